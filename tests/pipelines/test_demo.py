"""The demo's script: it says where the page is, ends with Ctrl-C as all scripts do, and mistakes are one message."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from overcast.core.paths import HOME, ROOT
from overcast.training.train import train


def test_mistakes_are_one_message(script: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = script("demo", f"port={port}").mistake()
        assert said == (
            f"overcast: port={port} cannot be used (address already in use): choose another, or leave it out"
        )
    assert "no run in" in script("demo", "run=latest").mistake()
    assert "language=kr: there is no such language" in script("demo", "language=kr").mistake()
    assert "Did you mean run?" in script("demo", "runs=latest").mistake()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's, when asked in this process
def test_the_best_run_of_a_study(script: Callable[..., Any], data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = ["data=skies", "data.n_samples=100", "data.size=16", "data.difficulty=0.2", f"data_dir={data}", "model=ann"]
    words = ["-m", *tiny, "mitigation=none", "seed=0,1", "epochs=1", "trainer=cpu", "trainer.threads=1"]
    assert script("train", *words, "study.name=pair", "hydra.launcher.n_jobs=1").code == 0
    from overcast.demo import server

    served = []
    monkeypatch.setattr(server, "serve", lambda demo, _: served.append(demo))
    assert script("demo", "run=best", "study=pair").code == 0
    assert served[0].run.config.model.name == "ann"


@pytest.mark.slow
def test_ctrl_c_ends_it(home: Path, config: Any) -> None:
    run = train(config("epochs=1"))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"} | {HOME: str(home)}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "pipelines/demo.py"), f"run={run.folder}"],
        cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[1]
        assert address.startswith("http://127.0.0.1:")
        kept = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)  # as a browser's stays open
        kept.request("GET", "/")
        assert kept.getresponse().status == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        kept.close()
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not [line for line in err.splitlines() if line.strip() and "training samples" not in line]
