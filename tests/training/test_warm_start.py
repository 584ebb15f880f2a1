"""A run that starts from another's weights: all that fit, and never from one that has seen the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from overcast.core.errors import IncompatibleError, UserError
from overcast.prepare.split import split
from overcast.tracking.run_folder import Run
from overcast.training.train import train

STILL = ["lr=1e-30", "epochs=1"]  # after which nothing has moved
LAST = "layers.4."  # of model=ann


def net(run: Run) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run.path("model.pt"), weights_only=True)["net"]
    return state


@pytest.fixture(scope="module")
def earlier() -> dict[str, Run]:
    """Trained once by the first test that asks."""
    return {}


@pytest.fixture
def start(config: Any, earlier: dict[str, Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    if "run" not in earlier:
        earlier["run"] = train(config("lr=0.01", f"run={tmp_path_factory.mktemp('earlier')}"))
    return earlier["run"]


def test_a_warm_start_takes_all_weights(config: Any, start: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(config(f"init_from={start.folder}", "seed=1", *STILL))
    assert all(value.equal(net(start)[name]) for name, value in net(run).items())
    assert f"warm start: all weights from {start.folder}" in capsys.readouterr().out
    assert (run.facts["init_from"], run.facts["init_weights"]) == (start.folder.name, start.facts["weights"])
    assert run.facts["identity"] != train(config("seed=1", *STILL)).facts["identity"]


def test_a_copy_elsewhere_is_the_same_start(config: Any, start: Run, tmp_path: Path) -> None:
    (tmp_path / "copy").symlink_to(start.folder)
    one, other = (train(config(f"init_from={place}", *STILL)) for place in (start.folder, tmp_path / "copy"))
    assert one.facts["identity"] == other.facts["identity"]


def test_the_last_layer_stays_new_where_classes_are_others(
    config: Any, start: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overcast.training.warm_start.takes_last_layer", lambda *_: False)
    monkeypatch.setattr("overcast.training.assemble.takes_last_layer", lambda *_: False)
    run, bare = train(config(f"init_from={start.folder}", *STILL)), train(config(*STILL))
    for name, value in net(run).items():
        assert value.equal(net(bare if name.startswith(LAST) else start)[name])
    assert any(name.startswith(LAST) for name in net(run))


def test_what_has_seen_the_answers_is_refused(config: Any, start: Run) -> None:
    with pytest.raises(UserError, match=r"was trained on \d+ of this run's validation and test samples.*same split"):
        train(config(f"init_from={start.folder}", "split.fold=3"))


def test_what_has_seen_the_calibration_part_is_refused(config: Any, start: Run, prepared: Path, tmp_path: Path) -> None:
    """It is taken from the train rows: the same fold of the same seed without it has trained on all of it."""
    (tmp_path / "data" / "skies").mkdir(parents=True)
    (tmp_path / "data" / "skies" / "pack").symlink_to(prepared / "skies" / "pack")
    split("skies", tmp_path / "data", 0, calibration=0.25)
    held_out = [f"data_dir={tmp_path}/data", "split.calibration=0.25"]
    with pytest.raises(UserError, match=r"was trained on \d+ of this run's calibration samples.*and split\.calib"):
        train(config(f"init_from={start.folder}", *held_out))
    again = train(config(*held_out, "epochs=1"))
    assert train(config(f"init_from={again.folder}", *held_out, *STILL)).facts["init_from"] == again.folder.name


@pytest.mark.parametrize("words", [["model=dnn"], ["model.hidden=7"], ["mitigation=batch_norm"]], ids=" ".join)
def test_other_layers_are_refused(config: Any, start: Run, words: list[str]) -> None:
    with pytest.raises(IncompatibleError, match=r"has no weights for model=\w+ as it is set: layers.*Choose the same"):
        train(config(f"init_from={start.folder}", *words))


def test_two_starts_are_refused_and_so_is_one_that_is_not_there(config: Any, start: Run, tmp_path: Path) -> None:
    with pytest.raises(IncompatibleError, match="and mitigation=synthetic_pretraining both say which weights"):
        train(config(f"init_from={start.folder}", "mitigation=synthetic_pretraining"))
    with pytest.raises(UserError, match="is the folder to train into, too"):
        train(config(f"init_from={start.folder}", f"run={start.folder}"))
    with pytest.raises(UserError, match="no such folder"):
        train(config("init_from=nowhere"))
    assert not (tmp_path / "runs").exists()
