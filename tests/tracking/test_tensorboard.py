"""Event files hold what the record gets, one by one."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from overcast.core.errors import UserError
from overcast.tracking.run import Epoch, RunRecorder
from overcast.tracking.run_folder import EVENTS
from overcast.tracking.tensorboard import EventFiles
from overcast.training.history import History
from overcast.training.train import train

EPOCHS = [Epoch(1, {"train/nll": 1.5, "validation/nll": 1.6}, 100.0), Epoch(2, {"train/nll": 1.25}, 101.0)]


class Kept(RunRecorder):
    def __init__(self) -> None:
        self.rows: list[Epoch] = []

    def epochs(self, rows: Any) -> None:
        self.rows += rows


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    read = event_accumulator.EventAccumulator(str(folder / EVENTS))
    read.Reload()
    return {name: [(e.step, e.value) for e in read.Scalars(name)] for name in read.Tags()["scalars"]}


@pytest.mark.filterwarnings("ignore")
def test_each_figure_is_recorded_and_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    record = Kept()
    events = EventFiles(record, tmp_path)
    events.epochs(EPOCHS[:1])
    events.epochs(EPOCHS[1:])
    assert record.rows == EPOCHS
    assert scalars(tmp_path) == {"train/nll": [(1, 1.5), (2, 1.25)], "validation/nll": [(1, pytest.approx(1.6))]}


@pytest.mark.filterwarnings("ignore")
def test_a_run_with_tensorboard_has_its_curves_there(config: Any) -> None:
    pytest.importorskip("tensorboard")
    cfg = config("tracking=tensorboard")
    assert cfg.tracking.enabled
    assert cfg.tracking.tensorboard
    run = train(replace(cfg, tracking=replace(cfg.tracking, enabled=False)))
    found = scalars(run.folder)
    for name in ("train/nll", "validation/accuracy", "validation_gap/nll"):
        assert [value for _, value in found[name]] == pytest.approx(run.history[name].tolist(), rel=1e-6)
        assert [step for step, _ in found[name]] == run.history["epoch"].tolist()
    run = train(replace(config(), run=str(run.folder)))
    assert not (run.folder / EVENTS).exists()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_event_files_are_closed_however_a_fit_ends(
    config: Any, monkeypatch: pytest.MonkeyPatch, error: type[BaseException] | None
) -> None:
    writer = pytest.importorskip("torch.utils.tensorboard").SummaryWriter
    closed: list[str] = []
    close = writer.close
    monkeypatch.setattr(writer, "close", lambda self: (closed.append(self.log_dir), close(self)))
    measured: Any = History.on_validation_end

    def end(self: History, *args: Any) -> None:
        measured(self, *args)
        if error:
            raise error

    monkeypatch.setattr(History, "on_validation_end", end)
    cfg = config("tracking=tensorboard")
    with pytest.raises(error) if error else nullcontext():
        train(replace(cfg, tracking=replace(cfg.tracking, enabled=False)))
    (folder,) = Path(cfg.runs_dir).iterdir()
    assert closed == [str(folder / EVENTS)]
    assert scalars(folder)["validation/nll"]


def test_without_the_package_it_is_refused_in_one_message(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"^tracking=tensorboard needs the extra `tensorboard`: run pip install"):
        train(config("tracking=tensorboard"))
