"""Several people, one record: what 8 processes tell a server arrives, whose database and store are killed meanwhile.

``OVERCAST_SHARED_RUNS=400 pytest -m slow tests/tracking/test_shared_record.py`` does so with 400 runs and kills each of
the two twice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from overcast.config.schema import TrackingConfig
from overcast.core.paths import HOME, ROOT
from overcast.tracking.run import Epoch
from overcast.tracking.store import TrackingStore, open_store
from shared_server import ADMIN_PASSWORD, SharedServer, missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"this machine has no {', '.join(missing())}: docs/scale.md"),
    pytest.mark.filterwarnings("ignore:::mlflow"),
    pytest.mark.filterwarnings("ignore:::starlette"),
]

PROCESSES, EPOCHS = 8, 10
RUNS = int(os.environ.get("OVERCAST_SHARED_RUNS", "40"))
KILLS = 2 if RUNS >= 400 else 1

AWAY = 8.0
"""Seconds that the database and the store are away after a kill: longer than MLflow's client tries by itself."""

USER, PASSWORD = "ann", "hush-for-ann"

WORKERS = """
import os, sys, time
from pathlib import Path
from overcast.config.compose import compose_tracking
from overcast.core.errors import UnreachableError
from overcast.tracking.late_record import late_run, reopen_store
from overcast.tracking.outbox import IDEMPOTENCY_KEY
from overcast.tracking.run import Epoch, run_status
from overcast.tracking.store import new_run
import mlflow

processes, runs, epochs, parent = *map(int, sys.argv[1:4]), sys.argv[4]
settings = compose_tracking()

def record(name):
    folder = Path("runs") / name
    folder.mkdir(parents=True)
    tags = {"folder": str(folder), "role": "trial", IDEMPOTENCY_KEY: name}
    try:
        run = reopen_store(settings).create(name, tags, parent)
    except UnreachableError:
        run = late_run(settings, folder, name, tags, parent)
    with run_status(run):
        run.params({"lr": 0.1})
        run.dataset("skies", "0123", "data/skies", "10 samples")
        for epoch in range(1, epochs + 1):
            run.epochs([Epoch(epoch, {"train/nll": 1 / epoch, "train/accuracy": 0.5}, 1e9 + epoch)])
        (folder / "history.csv").write_text(name)
        run.artifact(folder / "history.csv", "run")
    Path("ended").joinpath(name).touch()

Path("ended").mkdir()
children = []
for process in range(processes):
    if not (child := os.fork()):
        for number in range(process, runs, processes):
            record(f"run-{number}")
        os._exit(0)
    children.append(child)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


@contextmanager
def started(backup: Path | None = None) -> Iterator[SharedServer]:
    with tempfile.TemporaryDirectory(prefix="overcast-", dir="/tmp") as folder:  # pytest's own is root's alone
        Path(folder).chmod(0o755)
        server = SharedServer(Path(folder))
        try:
            server.start(backup)
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[SharedServer]:
    with started() as server:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
            patch.setenv("MLFLOW_TRACKING_PASSWORD", ADMIN_PASSWORD)
            server.add_user(USER, PASSWORD)
        yield server


@pytest.fixture
def settings(server: SharedServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> TrackingConfig:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    return TrackingConfig(uri=server.uri, artifacts="artifacts", experiment="overcast")


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    env = {**os.environ, HOME: str(home), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, *words]
    return subprocess.Popen(command, env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def told(folder: Path) -> list[str]:
    """The files in a folder that hold a password."""
    return [str(path) for path in folder.rglob("*") if path.is_file() and b"hush-" in path.read_bytes()]


def disturb(server: SharedServer, ended: Callable[[], int]) -> None:
    """Kill the database and the store, one after the other, at even distances, for some seconds."""
    for kill in range(2 * KILLS):
        while ended() < RUNS * (kill + 1) // (2 * KILLS + 2):
            time.sleep(0.1)
        if kill % 2:
            server.kill("store")
            time.sleep(AWAY)
            server.start_store()
        else:
            server.kill_database()
            time.sleep(AWAY)
            server.start_database()


def test_nothing_is_lost_or_doubled_while_database_and_store_are_killed(
    server: SharedServer, settings: TrackingConfig, home: Path
) -> None:
    store = open_store(settings)
    assert store
    parent = store.create("study", {"role": "study"})
    process = start(home, "-c", WORKERS, *map(str, (PROCESSES, RUNS, EPOCHS)), parent.id)
    with ThreadPoolExecutor(1) as pool:
        disturbed = pool.submit(disturb, server, lambda: len(list(home.glob("ended/*"))))
        out, _ = process.communicate(timeout=1800)
        assert process.returncode == 0, out
        disturbed.result(120)
    late = len(list(home.glob("runs/*/unsent-*")))
    sync = start(home, str(ROOT / "pipelines" / "sync.py"))
    said, _ = sync.communicate(timeout=600)
    kept = [line for line in out.splitlines() if line.startswith("overcast: ")]
    print(f"{late} of {RUNS} runs were not all in MLflow at the end", *kept, said, sep="\n")
    assert sync.returncode == 0, said
    assert "Traceback" not in out + said
    assert "not recorded in MLflow" not in out + said
    parent.end("FINISHED")
    runs = [run for run in store.search() if run.tags.get("role") == "trial"]
    assert sorted(run.tags["idempotency_key"] for run in runs) == sorted(f"run-{number}" for number in range(RUNS))
    assert {run.status for run in runs} == {"FINISHED"}
    with ThreadPoolExecutor(2) as pool:
        wrong = [line for lines in pool.map(lambda run: differences(store.client, run), runs) for line in lines]
    assert wrong == []
    assert told(home) == told(server.folder) == []


def differences(client: Any, run: Any) -> list[str]:
    """How the record of a run is not what was told."""
    told = {"train/nll": [(n, float(f"{1 / n:.5g}")) for n in range(1, EPOCHS + 1)]}
    told["train/accuracy"] = [(n, 0.5) for n in range(1, EPOCHS + 1)]
    lines = []
    for name, points in told.items():
        found = [(point.step, point.value) for point in client.get_metric_history(run.id, name)]
        lines += [f"{run.id}: {name} {found}"] if found != points else []
    name = run.tags["idempotency_key"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(client.download_artifacts(run.id, "run/history.csv", folder))
        lines += [f"{run.id}: {file.read_text()}"] if file.read_text() != name else []
    return lines + ([f"{run.id}: {run.params}"] if run.params != {"lr": "0.1"} else [])


@pytest.mark.parametrize("user", ["", USER], ids=["none", "wrong"])
@pytest.mark.parametrize("words", [[], ["-m", "seed=0,1"]], ids=["run", "study"])
def test_a_wrong_password_is_one_message_before_anything_is_begun(
    server: SharedServer,
    settings: TrackingConfig,
    home: Path,
    data: Path,
    monkeypatch: Any,
    user: str,
    words: list[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", user)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hush-the-wrong" if user else "")
    tiny = ["data=skies", "data.n_samples=100", "data.size=16", "data.difficulty=0.2", f"data_dir={data}"]
    script = str(ROOT / "pipelines" / "train.py")
    process = start(home, script, *tiny, "model=ann", "mitigation=none", "trainer=cpu", "epochs=1", *words)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 2, out
    assert [line for line in out.splitlines() if line.strip()] == [
        f"overcast: the MLflow server {server.uri} does not take this user and password: set MLFLOW_TRACKING_USERNAME "
        "and MLFLOW_TRACKING_PASSWORD to yours, or train with tracking=off"
    ]
    assert not list(home.glob("runs/2*"))
    assert told(home) == []


def test_a_password_that_is_changed_meanwhile_costs_nothing(
    server: SharedServer, settings: TrackingConfig, home: Path, monkeypatch: Any
) -> None:
    store = open_store(settings)
    assert store
    folder = home / "runs" / "a"
    folder.mkdir(parents=True)
    record = store.create("a", {"folder": str(folder)})
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hush-no-longer")
    record.params({"lr": 0.1})
    record.end("FINISHED")
    assert list(folder.glob("unsent-*"))
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    sync = start(home, str(ROOT / "pipelines" / "sync.py"))
    said, _ = sync.communicate(timeout=120)
    assert sync.returncode == 0, said
    (run,) = [run for run in store.search() if run.id == record.id]
    assert (run.status, run.params) == ("FINISHED", {"lr": "0.1"})


def test_dvc_keeps_files_in_the_same_store(server: SharedServer, home: Path) -> None:
    def dvc(*words: str) -> None:
        command = [sys.executable, "-m", "dvc", *words]
        done = subprocess.run(command, cwd=home, env=server.environment(), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr

    file = home / "numbers.txt"
    file.write_text("1 2 3")
    dvc("init", "--no-scm")
    dvc("add", "numbers.txt")
    dvc("remote", "add", "--default", "shared", "s3://overcast/dvc")
    dvc("remote", "modify", "shared", "endpointurl", f"http://127.0.0.1:{server.store_port}")
    dvc("push")
    file.unlink()
    shutil.rmtree(home / ".dvc" / "cache")
    server.kill("store")
    server.start_store()
    dvc("pull")
    assert file.read_text() == "1 2 3"
    assert told(home) == []


def test_a_backup_restored_into_an_empty_place_is_the_same(
    server: SharedServer, settings: TrackingConfig, home: Path, monkeypatch: Any
) -> None:
    store = open_store(settings)
    assert store
    file = home / "model.pt"
    for number in range(2):
        record = store.create(f"kept {number}", {"role": "kept"})
        record.epochs([Epoch(epoch, {"train/nll": number + 1 / epoch}, 1e9 + epoch) for epoch in (1, 2)])
        file.write_bytes(os.urandom(100_000))
        record.artifact(file, "run")
        record.end("FINISHED")
    before = everything(store)
    assert len(before) == 2
    backup = home / "backup"
    backup.mkdir()
    server.backup(backup)
    server.start_store()
    with started(backup) as restored:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", restored.uri)
        other = open_store(replace(settings, uri=restored.uri))
        assert other
        assert everything(other) == before


def everything(store: TrackingStore) -> list[Any]:
    """All that there is of the runs that are to be kept, files by their content."""
    found = []
    for run in store.search(role="kept"):
        points = [(m.step, m.value, m.timestamp) for m in store.client.get_metric_history(run.id, "train/nll")]
        with tempfile.TemporaryDirectory() as folder:
            found.append(
                (run, points, Path(store.client.download_artifacts(run.id, "run/model.pt", folder)).read_bytes())
            )
    return found
