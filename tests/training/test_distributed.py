"""Two processes on the CPU are one process with the same global batch; a rank that dies ends the job and is named."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from flaky import FlakyClient
from overcast.config.schema import TrackingConfig
from overcast.core.devices import Devices
from overcast.core.errors import DivergedError, UnreachableError, UserError
from overcast.core.paths import ROOT
from overcast.core.signals import sigterm_exits
from overcast.tracking import late_record
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.outbox import Outbox, find_outboxes, read_outbox
from overcast.tracking.run import RunRecorder
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.training import distributed
from overcast.training.distributed import launch
from overcast.training.rank import open_record
from overcast.training.train import train

slow = pytest.mark.slow

SKIES = {"n_samples": 100, "size": 16, "difficulty": 0.2, "seed": 0}
"""The options of the prepared ones."""

WORD = """
import os, signal, sys, time
from multiprocessing.connection import Connection
from overcast.core.errors import DivergedError, UserError
from overcast.training.distributed import Failure
rank, line = int(os.environ["RANK"]), Connection(int(sys.argv[2]))
job = line.recv()
def fail(error, when=0.0): line.send(Failure(error, time.monotonic() + when, "where it was"))
def meet():
    open(f"{job['folder']}/{rank}", "w").close()
    names = [f"{job['folder']}/{number}" for number in range(job["devices"]["ranks"])]
    while not all(map(os.path.exists, names)): time.sleep(0.01)
"""
"""What a rank of these tests begins with, in place of a training."""

Launch = Callable[..., dict[str, Any]]


@pytest.fixture
def launched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """Launch as many ranks, each of which runs this code. None may be left."""

    def launched(code: str, ranks: int = 2) -> dict[str, Any]:
        monkeypatch.setattr(distributed, "PROGRAM", ("-c", WORD + code))
        return launch(Run(tmp_path), Devices("cpu", ranks, "32-true", 1), RunRecorder(), "title", shown=False)

    yield launched
    assert not [child for child in psutil.Process().children() if any(WORD in word for word in child.cmdline())]


def test_figures_are_those_of_rank_0(launched: Launch, tmp_path: Path) -> None:
    found = launched("line.send({'rank': rank, **job})", 3)
    assert (found["rank"], found["folder"], found["devices"]["ranks"]) == (0, str(tmp_path), 3)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("os.kill(os.getpid(), 9)", r"^rank 1 of 2 failed: it was killed \(SIGKILL\): .* smaller batch_size"),
        ("os._exit(7)", "^rank 1 of 2 failed: it ended with exit code 7$"),
        ("fail(UserError('no room'))", "^rank 1 of 2 failed: no room$"),
    ],
)
def test_a_rank_that_fails_is_named_at_once_and_ends_the_others(launched: Launch, end: str, message: str) -> None:
    began = time.monotonic()
    with pytest.raises(UserError, match=message):
        launched(f"if rank == 1: {end}\nelse: time.sleep(60)")
    assert time.monotonic() - began < 10


def test_a_bug_in_a_rank_tells_where_it_is(launched: Launch) -> None:
    with pytest.raises(RuntimeError, match=r"^rank 0 of 1 failed: KeyError: x") as raised:
        launched("fail('KeyError: x')", 1)
    assert raised.value.__notes__ == ["where it was"]


@pytest.mark.parametrize(
    ("code", "ranks", "message"),
    [
        ("fail(UserError('mine'), -1) if rank == 2 else fail(UserError('lost the other'))", 3, "2 of 3 failed: mine"),
        ("fail(UserError('lost it'), -1) if rank == 0 else os.kill(os.getpid(), 9)", 2, "1 of 2 failed: it was killed"),
        ("os.abort() if rank == 0 else fail(UserError('mine'), -1)", 2, "1 of 2 failed: mine"),  # as NCCL does
    ],
)
def test_of_ranks_that_fail_one_after_the_other_the_first_is_named(
    launched: Launch, code: str, ranks: int, message: str
) -> None:
    """The others lose their connection to it, and may be seen before it."""
    with pytest.raises(UserError, match=f"rank {message}"):
        launched(f"meet()\n{code}", ranks)


def test_a_divergence_is_no_ranks_fault(launched: Launch) -> None:
    with pytest.raises(DivergedError, match=r"^not finite$"):
        launched("fail(DivergedError('not finite'))")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_ranks_and_is_for_the_parent_alone(launched: Launch, number: int, tmp_path: Path) -> None:
    """A terminal sends Ctrl-C to all of them."""
    both = "(os.kill(os.getpid(), signal.SIGINT), time.sleep(0.2), open(f'{job[\"folder\"]}/{rank}', 'w'))"
    threading.Thread(target=_signal_when, args=([tmp_path / "0", tmp_path / "1"], number)).start()
    began = time.monotonic()
    with pytest.raises((KeyboardInterrupt, SystemExit)), sigterm_exits():
        launched(f"{both}\ntime.sleep(60)")
    assert time.monotonic() - began < 10


def _signal_when(files: list[Path], number: int) -> None:
    for _ in range(1000):
        if all(file.exists() for file in files):
            break
        time.sleep(0.01)
    os.kill(os.getpid(), number)


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


@slow
@pytest.mark.parametrize("model", ["ann", "lstm"])
def test_two_ranks_equal_one_process(config: Any, model: str) -> None:
    one, two = both(config, f"model={model}")
    assert apart(one, two) < 1e-9
    for alone, shared in zip(figures(one), figures(two), strict=True):
        assert shared == pytest.approx(alone, abs=1e-6)
    assert two.facts["epochs_run"] == 2


@slow
def test_two_ranks_accumulate_clip_and_climb_as_one_process(config: Any) -> None:
    """SAM goes through all batches of a step twice: gradients are averaged with the last one alone."""
    steps = ["trainer.accumulate_grad_batches=2", "trainer.gradient_clip_val=0.5"]
    one, two = both(config, "mitigation=[sam,class_weights]", "imbalance_ratio=2", *steps)
    assert apart(one, two) < 1e-9


@slow
def test_batch_norm_alone_is_each_ranks_own(config: Any) -> None:
    """Its mean and variance are those of a rank's part of the batch, so that two ranks are another run than one."""
    assert apart(*both(config, "mitigation=batch_norm")) > 1e-3


@slow
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
    with pytest.raises(RuntimeError, match=r"^rank 1 of 2 failed: ValueError: out of luck") as raised:
        train(config("trainer.devices=2"))
    assert "in training_step" in raised.value.__notes__[0]


@slow
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


@slow
@pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::sqlalchemy")
@pytest.mark.parametrize(
    ("injured", "number", "code", "state"),
    [
        ("rank", signal.SIGKILL, 2, "FAILED"),
        ("parent", signal.SIGKILL, -signal.SIGKILL, "KILLED"),  # as rank 0 says in its place
        ("parent", signal.SIGTERM, 143, "KILLED"),
        ("all", signal.SIGINT, 130, "KILLED"),  # as a terminal's Ctrl-C
    ],
)
def test_a_training_on_ranks_ends_in_order(
    data: Path, store: TrackingStore, home: Path, injured: str, number: int, code: int, state: str
) -> None:
    words = [
        "data=skies", *(f"data.{k}={v}" for k, v in SKIES.items()), f"data_dir={data}", "model=ann", "mitigation=none",
        "trainer=ddp", "trainer.accelerator=cpu", "epochs=100000", "measure_every=10000", f"run={home}/mine",
    ]  # fmt: skip
    words += [f"tracking.uri={store.settings.uri}", f"tracking.artifacts={store.settings.artifacts}"]
    environment = os.environ | {"MLFLOW_EXPERIMENT_NAME": store.settings.experiment}  # which has brackets
    command = [sys.executable, str(ROOT / "pipelines" / "train.py"), *words]
    with (
        (home / "said").open("w") as said,
        subprocess.Popen(
            command, env=environment, stderr=said, stdout=said, start_new_session=True, preexec_fn=_ctrl_c_works
        ) as parent,
    ):
        ranks = _training_ranks(psutil.Process(parent.pid), home / "said")
        began = time.monotonic()
        {"rank": ranks[1].send_signal, "parent": parent.send_signal, "all": lambda n: os.killpg(parent.pid, n)}[
            injured
        ](number)
        assert parent.wait(30) == code
        psutil.wait_procs(ranks, 10)
        assert not any(rank.is_running() for rank in ranks)
        assert time.monotonic() - began < 20  # a tenth of that on a machine with nothing else to do
    assert "Traceback" not in (home / "said").read_text()
    (run,) = store.search()
    assert run.status == state


def _ctrl_c_works() -> None:
    """What is started in the background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _training_ranks(parent: psutil.Process, said: Path) -> list[psutil.Process]:
    """The ranks, once they train."""
    for _ in range(1200):
        if "batch/s" in said.read_text():
            break
        time.sleep(0.1)
    return [child for child in parent.children() if "overcast.training.rank" in child.cmdline()]


@slow
@pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::sqlalchemy")
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

    monkeypatch.setattr(late_record, "reopen_store", away)
    run = Run(tmp_path)
    run.write_config(config())
    record = open_record(run, Outbox(str(tmp_path), "http://host", "overcast", "abc"))
    record.metrics({"a": 1.0})
    (path,) = find_outboxes(tmp_path)
    assert [next(iter(entry)) for entry in read_outbox(path).entries] == ["metrics"]
