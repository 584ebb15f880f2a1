"""Two groups of two processes that torchrun starts, as on two machines, are one process with the same global batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import psutil
import pytest
import torch

from overcast.core.devices import Devices
from overcast.core.errors import UserError
from overcast.core.launchers import TORCHRUN, refuse_other_ranks, torchrun_ranks
from overcast.core.paths import ROOT
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.training.torchrun import _train_what_is_told
from overcast.training.train import train

SKIES = {"n_samples": 100, "size": 16, "difficulty": 0.2, "seed": 0}
"""The options of the prepared ones."""

PLAIN = (
    "model=ann",
    "epochs=2",
    "batch_size=30",  # 80 train rows in batches of 27, 27, 26: cut unevenly
    "trainer.precision=64-true",  # so that rounding hides nothing
    "mitigation=none",
    "lr=0.01",
)


@pytest.mark.parametrize(
    ("environment", "ranks"),
    [({}, 0), ({"WORLD_SIZE": "4", "RANK": "1"}, 0), ({"WORLD_SIZE": "4", TORCHRUN: "none"}, 4)],
)
def test_only_torchrun_has_started_ranks(environment: dict[str, str], ranks: int) -> None:
    assert torchrun_ranks(environment) == ranks


@pytest.mark.parametrize(
    ("started", "devices", "message"),
    [
        (0, Devices("cpu", 4, "32-true", 1, num_nodes=2), "--nnodes=2 --nproc-per-node=2 .*pipelines/train.py"),
        (4, Devices("cpu", 2, "32-true", 1), "torchrun has started 4 .* trainer.num_nodes=1 with 2"),
        (1, Devices("cpu", 2, "32-true", 1), "torchrun has started 1 "),
    ],
)
def test_other_numbers_of_processes_are_refused(
    started: int, devices: Devices, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if started:
        monkeypatch.setenv(TORCHRUN, "none")
        monkeypatch.setenv("WORLD_SIZE", str(started))
    with pytest.raises(UserError, match=message):
        refuse_other_ranks(devices)


class Nodes:
    """Two torchruns on this machine, each with a folder to stand in."""

    def __init__(self, data: Path, store: TrackingStore, home: Path) -> None:
        self.home = home
        self.words = ["data=skies", *(f"data.{k}={v}" for k, v in SKIES.items()), f"data_dir={data}", *PLAIN]
        self.words += [f"tracking.uri={store.settings.uri}", f"tracking.artifacts={store.settings.artifacts}"]
        self.words += ["trainer=multi_node", "trainer.accelerator=cpu"]
        self.environment = os.environ | {"MLFLOW_EXPERIMENT_NAME": store.settings.experiment, "OMP_NUM_THREADS": "1"}
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str, processes: int = 2) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        command = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", f"--nproc-per-node={processes}"]
        command += ["--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}", "--rdzv-id=test"]
        command += [str(ROOT / "pipelines" / "train.py"), *self.words, *words]
        for number in (0, 1):
            with (self.home / f"said-{number}").open("wb") as said:
                self.started.append(
                    subprocess.Popen(command, env=self.environment, stderr=said, stdout=said, start_new_session=True)
                )

    def wait(self) -> list[int]:
        return [each.wait(200) for each in self.started]

    def run(self, *words: str, processes: int = 2) -> list[int]:
        self.start(*words, processes=processes)
        return self.wait()

    @property
    def said(self) -> str:
        return "".join((self.home / f"said-{number}").read_text() for number in (0, 1))

    def runs(self) -> list[Run]:
        return [Run(path) for path in sorted((self.home / "runs").iterdir()) if (path / "run.json").exists()]

    def ranks(self) -> dict[int, psutil.Process]:
        children = [child for each in self.started for child in psutil.Process(each.pid).children()]
        return {int(child.environ()["RANK"]): child for child in children}


@pytest.fixture
def nodes(data: Path, store: TrackingStore, home: Path) -> Iterator[Nodes]:
    nodes = Nodes(data, store, home)
    yield nodes
    for each in nodes.started:
        for left in [*psutil.Process(each.pid).children(recursive=True)] if each.poll() is None else []:
            left.kill()
        each.kill()
        each.wait()


def figures(run: Run) -> pd.DataFrame:
    return pd.read_csv(run.path("history.csv"))


pytestmark = pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::sqlalchemy")


@pytest.mark.slow
def test_a_run_on_two_nodes_is_that_of_one_process(nodes: Nodes, store: TrackingStore, config: Any) -> None:
    assert nodes.run() == [0, 0], nodes.said
    (run,) = nodes.runs()
    alone = train(config(*PLAIN))
    here = train(config(*PLAIN, "trainer.devices=4"))
    assert (run.facts["processes"], alone.facts["processes"]) == (4, 1)
    assert run.facts["identity"] == here.facts["identity"] != alone.facts["identity"]
    states = [torch.load(each.path("model.pt"), weights_only=True)["net"] for each in (run, here, alone)]
    for other in states[1:]:
        for name, value in states[0].items():
            assert (value - other[name]).abs().max() < 1e-9, name
    pd.testing.assert_frame_equal(figures(run), figures(alone), atol=1e-6)
    (recorded,) = store.search()
    assert recorded.status == "FINISHED"
    assert recorded.id == run.facts["id"]
    assert nodes.said.count("trained: ") == 1
    assert "Traceback" not in nodes.said


@pytest.mark.slow
def test_a_sweep_on_two_nodes_outlives_a_run_that_diverges(nodes: Nodes, store: TrackingStore) -> None:
    codes = nodes.run("-m", "seed=0,1", "lr=0.01,1e300", "mitigation=none")
    assert codes == [1, 1], nodes.said  # torchrun's own
    assert "2 of 4 runs failed" in nodes.said
    assert len(nodes.runs()) == 2
    assert Counter(run.status for run in store.search()) == Counter(FINISHED=2, FAILED=3)  # with the study


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 3])
def test_a_killed_process_ends_all_of_them(nodes: Nodes, store: TrackingStore, lost: int) -> None:
    nodes.start("epochs=100000", "measure_every=10000")
    for _ in range(1200):
        if "batch/s" in nodes.said:
            break
        time.sleep(0.1)
    ranks = nodes.ranks()
    began = time.monotonic()
    ranks[lost].kill()
    assert 0 not in nodes.wait()
    assert time.monotonic() - began < 60
    assert not any(rank.is_running() for rank in ranks.values())
    if lost:
        (run,) = store.search()
        assert run.status in ("FAILED", "KILLED")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "processes", "message"),
    [
        (["lr=-1"], 2, "overcast: lr=-1"),
        ([], 1, "overcast: torchrun has started 2 process"),
        (["-m", "hydra/launcher=slurm"], 2, "leave hydra/launcher out"),
    ],
)
def test_what_cannot_be_done_is_told_once_and_ends_all(
    nodes: Nodes, words: list[str], processes: int, message: str
) -> None:
    assert nodes.run(*words, processes=processes) == [1, 1], nodes.said  # torchrun's own
    (line,) = (line for line in nodes.said.splitlines() if line.startswith("overcast: "))
    assert message in line


def test_a_folder_that_not_all_machines_see_is_told(tmp_path: Path) -> None:
    ranks = SimpleNamespace(tell=lambda: (Run(tmp_path / "mine"), Devices("cpu", 4, "32-true", 1)))
    with pytest.raises(UserError, match=r"mine is not there, where rank 0 .* shared folder"):
        _train_what_is_told(ranks)
