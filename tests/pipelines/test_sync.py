"""A server that goes away costs nothing that was measured, and no password stands in anything that is written."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from overcast.config.run_config import RunConfig
from overcast.config.schema import TrackingConfig
from overcast.core.paths import HOME, ROOT
from overcast.core.secrets import TRACKING_URI
from overcast.tracking.metadata import recorded_params
from overcast.tracking.store import open_store

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

HUSH = "hush4711"
"""A password."""

PATIENCE = 120.0
"""Seconds for a server to start, on a busy machine."""


@pytest.fixture(autouse=True)
def no_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set in a test is gone after it."""
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", TRACKING_URI):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def told(folder: Path) -> list[str]:
    """The files in a folder that hold the password."""
    return [str(path) for path in folder.rglob("*") if path.is_file() and HUSH.encode() in path.read_bytes()]


@pytest.mark.slow
def test_no_password_is_written_or_said(
    script: Any, tiny: list[str], fast: list[str], home: Path, monkeypatch: Any, capsys: Any
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("a fault")

    words = [word for word in fast if word != "tracking=off"]
    secrets = [f"mirror='http://me:{HUSH}@host/archives'", f"tags=['postgresql://me:{HUSH}@host/db']"]
    said = [script("train", *words, *secrets, "prepare=true"), script("evaluate")]
    said += [script("train", "-m", *words, *secrets, "seed=0,1", "hydra.launcher.n_jobs=1"), script("compare")]
    assert [each.code for each in said] == [0] * 4
    said += [script("train", *words, f"tracking.uri=http://me:{HUSH}@127.0.0.1:9"), script("sync")]
    said += [script("train", *words, f"modell=http://me:{HUSH}@host"), script("sync", f"run=http://me:{HUSH}@host")]
    said += [script("download", "data=reviews", secrets[0]), script("evaluate", f"tracking.uri=x://me:{HUSH}@host")]
    monkeypatch.setattr("overcast.training.train.make_plan", fails)
    with pytest.raises(RuntimeError):  # a fault of ours: Hydra then shows the words
        script("train", *words, f"tracking.uri=mysql+nodriver://me:{HUSH}@host/db")
    assert [each.code for each in said[4:]] == [2, 0, 2, 2, 2, 2], said[4:]
    assert HUSH not in "".join(capsys.readouterr())
    assert "http://127.0.0.1:9" in said[4].mistake()
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == HUSH
    assert HUSH not in "".join(each.out + each.err for each in said)
    assert told(home) == []


def test_what_is_refused_is_said_last_and_ends_in_1(
    script: Any, fast: list[str], data: Path, tracking: TrackingConfig, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def params(config: RunConfig) -> dict[str, Any]:
        return {**recorded_params(config), "what?": 1}

    monkeypatch.setattr("overcast.training.recording.recorded_params", params)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", tracking.experiment)
    words = [*(word for word in fast if word != "tracking=off"), "data.difficulty=0.2", f"data_dir={data}"]
    said = script("train", *words)
    assert said.code == 1
    last = said.err.strip().splitlines()[-1]
    assert last.startswith("overcast: not recorded in MLflow: param 'what?' (Invalid value")
    assert "The run is whole in runs/" in last
    store = open_store(tracking)
    assert store is not None
    (found,) = store.search()
    assert (found.status, found.params["model"]) == ("FINISHED", "ann")


class ReadOnly(BaseHTTPRequestHandler):
    """A server that answers what is asked, and 500 to whatever is posted."""

    seen: ClassVar[list[str]] = []
    """What came as authorisation."""

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization", ""))
        self._answer(200, {"experiment": {"experiment_id": "1", "name": "overcast", "lifecycle_stage": "active"}})

    def do_POST(self) -> None:
        self._answer(500, {"error_code": "INTERNAL_ERROR", "message": f"no room for http://me:{HUSH}@host"})

    def _answer(self, code: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: it would be in the test's output."""


def test_a_server_that_takes_nothing_at_the_start_is_one_message(
    script: Any, fast: list[str], data: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked with the user and password of the address, which are nowhere else."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    words = [*(word for word in fast if word != "tracking=off"), "data.difficulty=0.2", f"data_dir={data}"]
    with ThreadingHTTPServer(("127.0.0.1", 0), ReadOnly) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        said = script("train", *words, f"tracking.uri=http://me:{HUSH}@{address}")
        server.shutdown()
    assert said.mistake().startswith(f"overcast: cannot use the MLflow tracking store http://{address}: ")
    assert HUSH not in said.out + said.err
    assert base64.b64decode(ReadOnly.seen[0].removeprefix("Basic ")).decode() == f"me:{HUSH}"
    assert not list(home.glob("runs/*"))
    assert told(home) == []


class Server:
    """An MLflow server that can be killed and started again, with its files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        self.folder, self.process = folder, None
        folder.mkdir()

    def start(self) -> None:
        port = self.host.partition(":")[2]
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--backend-store-uri",
            f"sqlite:///{self.folder}/mlflow.db",
        ]
        command += ["--artifacts-destination", f"{self.folder}/artifacts", "--port", port, "--workers", "1"]
        env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        env.pop("MLFLOW_TRACKING_URI", None)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, (self.folder / "log").read_text()
            with suppress(OSError), urllib.request.urlopen(f"http://{self.host}/health", timeout=5):
                return
            time.sleep(0.3)

    def kill(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server") / "server")
    try:
        server.start()
        yield server
    finally:
        server.kill()


def start(home: Path, name: str, *words: str) -> subprocess.Popen[str]:
    env = {**os.environ, HOME: str(home), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "pipelines" / f"{name}.py"), *words]
    return subprocess.Popen(command, env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def recorded(host: str, name: str) -> dict[str, dict[str, Any]]:
    """By name, what tells the runs of an undisturbed study from those of one whose record is not whole."""
    from mlflow import MlflowClient

    client = MlflowClient(f"http://{host}")
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return {
        run.info.run_name: {
            "status": run.info.status,
            "epochs": [metric.step for metric in client.get_metric_history(run.info.run_id, "train/nll")],
            "metrics": sorted(run.data.metrics),
            "params": run.data.params,
            "tags": sorted(run.data.tags),
            "files": sorted(item.path for item in client.list_artifacts(run.info.run_id, "run")),
            "evaluation": sorted(item.path for item in client.list_artifacts(run.info.run_id, "evaluation")),
            "described": "mlflow.note.content" in run.data.tags,
        }
        for run in client.search_runs([experiment.experiment_id])
    }


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_server_that_dies_in_a_study_s_middle_and_comes_back(
    server: Server, script: Any, tiny: list[str], home: Path, jobs: int
) -> None:
    words = [*tiny, "-m", "model=ann", "mitigation=none,dropout", "seed=0,1", "epochs=40", "trainer=cpu", "lr=0.01"]
    words += ["trainer.threads=1", f"hydra.launcher.n_jobs={jobs}", f"tracking.uri=http://me:{HUSH}@{server.host}"]
    for stage in ("download", "pack", "split"):
        assert script(stage, *tiny).code == 0
    whole, broken = home / "whole", home / "broken"
    said = []
    for place in (whole, broken):
        place.mkdir()
        (place / "data").symlink_to(home / "data")
        process = start(place, "train", *words, f"tracking.experiment={place.name}")
        if place == broken:
            while len(list((place / "runs").glob("*/history.csv"))) < 1:
                assert process.poll() is None
                time.sleep(0.05)
            server.kill()
        out, _ = process.communicate(timeout=300)
        said.append(out)
        assert process.returncode == 0, out
        assert "Traceback" not in out
    assert "not all in MLflow yet: `python pipelines/sync.py` sends what is left in " in said[1]
    server.start()
    process = start(broken, "sync", f"tracking.uri=http://me:{HUSH}@{server.host}", "tracking.experiment=broken")
    said.append(process.communicate(timeout=300)[0])
    assert process.returncode == 0, said[-1]
    undisturbed, late = (recorded(server.host, name) for name in ("whole", "broken"))
    assert len(undisturbed) == 5
    assert late == undisturbed
    assert {run["status"] for run in late.values()} == {"FINISHED"}
    assert [each for run in late.values() if (each := run["epochs"])] == [list(range(1, 41))] * 4
    assert late["sweep"]["described"]
    assert HUSH not in "".join(said)
    assert told(home) == told(server.folder) == []
