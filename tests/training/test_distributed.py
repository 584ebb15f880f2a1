"""Two processes on the CPU are one process with the same global batch; a rank that dies ends the job and is named."""

from __future__ import annotations

import csv
import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from flaky import FlakyClient
from overcast.config.schema import TrackingConfig
from overcast.core.errors import DivergedError, UnreachableError
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.outbox import Outbox, find_outboxes, read_outbox
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.training import distributed
from overcast.training.distributed import _when
from overcast.training.train import train

pytestmark = pytest.mark.slow


def figures(run: Run) -> list[list[float]]:
    with run.path("history.csv").open() as file:
        return [[float(value) for value in line] for line in list(csv.reader(file))[1:]]


def both(config: Any, *picks: str) -> tuple[Run, Run]:
    """The same run on one process and on two."""
    # 80 train rows in batches of 27, 27, 26: an odd one is cut unevenly between the ranks
    picks += ("batch_size=30", "epochs=2", "trainer.precision=64-true")  # so that rounding hides nothing
    one, two = (train(config(*picks, f"trainer.devices={ranks}")) for ranks in (1, 2))
    assert (one.facts["processes"], two.facts["processes"]) == (1, 2)
    assert one.facts["identity"] != two.facts["identity"]
    return one, two


def apart(one: Run, two: Run) -> float:
    """The largest difference between their weights."""
    states = [torch.load(run.path("model.pt"), weights_only=True)["net"] for run in (one, two)]
    return max(float((value - states[1][name]).abs().max()) for name, value in states[0].items())


@pytest.mark.parametrize("model", ["ann", "lstm"])
def test_two_ranks_equal_one_process(config: Any, model: str) -> None:
    one, two = both(config, f"model={model}")
    assert apart(one, two) < 1e-9
    for alone, shared in zip(figures(one), figures(two), strict=True):
        assert shared == pytest.approx(alone, abs=1e-6)
    assert not (two.folder / "ranks.json").exists()
    assert two.facts["epochs_run"] == 2


def test_batch_norm_alone_is_each_ranks_own(config: Any) -> None:
    """Its mean and variance are those of a rank's part of the batch, so that two ranks are another run than one."""
    assert apart(*both(config, "mitigation=batch_norm")) > 1e-3


def test_a_rank_that_dies_ends_the_job_and_is_named(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    death = "import os\nif os.environ.get('RANK') == '1': os._exit(7)\n"
    (tmp_path / "sitecustomize.py").write_text(death)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(RuntimeError, match="rank 1 of 2 failed"):
        train(config("trainer.devices=2"))


def test_a_rank_that_raises_is_named_with_its_error(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = (
        "import os\n"
        "if os.environ.get('RANK') == '1':\n"
        "    from overcast.model.ann import ANN\n"
        "    def fails(*_): raise ValueError('out of luck')\n"
        "    ANN.loss = fails\n"
    )
    (tmp_path / "sitecustomize.py").write_text(fault)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(RuntimeError, match=r"^rank 1 of 2 failed: ValueError: out of luck$"):
        train(config("trainer.devices=2"))


def test_a_run_that_diverges_is_no_ranks_fault(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = (
        "import os\n"
        "if os.environ.get('RANK') == '1':\n"  # the other one's loss is finite, a step longer
        "    from overcast.model.ann import ANN\n"
        "    plain, steps = ANN.loss, iter(range(100))\n"
        "    ANN.loss = lambda *given: plain(*given) * (float('nan') if next(steps) == 1 else 1)\n"
    )
    (tmp_path / "sitecustomize.py").write_text(fault)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with pytest.raises(DivergedError, match="the loss is not finite in epoch 1, step 2 of 5"):
        train(config("trainer.devices=2", f"run={tmp_path}/mine"))
    assert not (tmp_path / "mine" / "result.json").exists()
    assert not (tmp_path / "mine" / "ranks.json").exists()


def test_of_ranks_that_fail_within_one_second_the_first_is_named(tmp_path: Path) -> None:
    """The others lose their connection to it, and may be seen before it."""

    def failure(rank: int, exitcode: int, at: float | None) -> ProcessFailure:
        path = tmp_path / str(rank)
        if at is not None:
            path.write_text(json.dumps({"message": {"message": "x", "extraInfo": {"timestamp": int(at)}}}))
            os.utime(path, (at, at))
        return ProcessFailure(rank, 0, exitcode, str(path))

    now = time.time()
    raised = [failure(0, 1, now + 0.3), failure(1, 1, now + 0.2), failure(2, 1, now + 0.4)]
    assert min(raised, key=_when).local_rank == 1
    died, told_to_end, did_not = (
        failure(3, 7, None),
        failure(4, -signal.SIGTERM, None),
        failure(5, -signal.SIGKILL, None),
    )
    did_not.timestamp = int(now + 5)
    assert min([*raised, did_not, told_to_end, died], key=_when).local_rank == 3
    assert min([told_to_end, did_not, *raised], key=_when).local_rank == 1


@pytest.mark.filterwarnings("ignore:::mlflow")
@pytest.mark.filterwarnings("ignore:::sqlalchemy")
def test_what_ranks_record_waits_behind_what_was_not_sent(
    config: Any, store: TrackingStore, tracking: TrackingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.client = flaky = FlakyClient(store.client, 2)  # looks for dead runs, and creates this one
    monkeypatch.setattr("overcast.training.train.open_store", lambda _: store)
    run = train(replace(config("trainer.devices=2", "epochs=2"), tracking=tracking))
    (path,) = find_outboxes(run.folder)
    kinds = [next(iter(entry)) for entry in read_outbox(path).entries]
    assert kinds[:3] == ["params", "dataset", "metrics"]
    flaky.mend()
    mark_orphaned_runs(store, str(run.folder.parent))
    assert store.status(run.facts["id"]) == "FINISHED"
    assert [m.step for m in flaky.get_metric_history(run.facts["id"], "train/nll")] == [1, 2]


def test_a_rank_keeps_what_its_store_does_not_take(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Any) -> None:
        raise UnreachableError("away")

    monkeypatch.setattr(distributed, "reopen_store", away)
    run = Run(tmp_path)
    run.write_config(config())
    record = distributed._open_record(run, Outbox(str(tmp_path), "http://host", "overcast", "abc"))
    record.metrics({"a": 1.0})
    (path,) = find_outboxes(tmp_path)
    assert [next(iter(entry)) for entry in read_outbox(path).entries] == ["metrics"]
