"""From a served model's answers to the script's verdict and exit code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.config.schema import TrackingConfig
from overcast.data._sky_painter import render
from overcast.tracking.store import TrackingStore
from overcast.training.train import train

pytest.importorskip("onnxscript", reason="it needs an extra")
import pandas as pd

from overcast.serving import register as registering
from overcast.serving.candidates import run_candidate
from overcast.serving.gates import Costs
from overcast.serving.onnx_export import onnx_bytes
from overcast.serving.prediction_log import LOG
from overcast.serving.pyfunc import _load_pyfunc
from overcast.serving.reference import FILE
from overcast.serving.register import register
from overcast.serving.registry import Registry
from overcast.tracking.run_folder import Run

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


def data(home: Path) -> list[str]:
    """150 pictures, of which 50 validate."""
    return [f"data_dir={home / 'data'}", "data.n_samples=150", "split.folds=3", "prepare=true"]


def served(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, scale: float, number: int = 120) -> Path:
    """The log of a server that was sent fresh pictures, this many times as bright."""
    (folder / "model.onnx").write_bytes(onnx_bytes(run))
    monkeypatch.setenv(LOG, str(folder / f"{scale}.jsonl"))
    pictures = render(range(number), seed=99, size=16, difficulty=0.2).transpose(0, 3, 1, 2)
    content = pd.Series([*(pictures * scale).astype(np.uint8)], dtype=object)
    _load_pyfunc(str(folder / "model.onnx")).predict(pd.DataFrame({"content": content}))
    return folder / f"{scale}.jsonl"


@pytest.mark.slow
def test_verdicts_and_mistakes(script: Any, config: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(config("epochs=3", *data(home)))
    plain, dark = (served(run, home, monkeypatch, scale) for scale in (1, 0.4))
    model = f"model={run.folder}"
    said = script("drift", f"log={plain}", model, "out=page")
    assert said.code == 0, said
    assert said.out.startswith("Not drifted: ")
    assert "report: page/index.html" in said.out
    said = script("drift", f"log={dark}", model, "out=page", "language=ko")
    assert said.code == 1, said
    assert said.out.startswith("변화함: ")
    assert "밝기" in (home / "page" / "index.html").read_text()
    plain.write_text("".join(plain.read_text().splitlines(keepends=True)[:20]))
    assert script("drift", f"log={plain}", model, "out=page").code == 3

    other = train(config("epochs=1", "seed=1", *data(home)))
    assert "all its lines are of another model" in script("drift", f"log={dark}", f"model={other.folder}").mistake()
    assert "names no run" in script("drift", f"log={dark}").mistake()  # it is in no MLflow run
    shutil.copy(home / "model.onnx", home / "other.onnx")
    assert "alone has no reference" in script("drift", f"log={dark}", "model=other.onnx").mistake()


def test_mistakes_are_one_message(script: Any, home: Path) -> None:
    assert "log=… is missing" in script("drift").mistake()
    assert "log=none: it cannot be read" in script("drift", "log=none").mistake()
    (home / "log").write_text("no line\n")
    assert "none of its 1 lines is one of a prediction log" in script("drift", "log=log").mistake()
    assert "since=x: give a time" in script("drift", "log=log", "since=x").mistake()
    assert "language=fr: there is no such language" in script("drift", "log=log", "language=fr").mistake()
    (home / "mine").mkdir()
    (home / "mine" / "letter.txt").touch()
    assert "holds other files" in script("drift", "log=log", "out=mine").mistake()


@pytest.mark.slow
def test_a_registered_model_brings_its_reference(
    script: Any,
    config: Any,
    store: TrackingStore,
    tracking: TrackingConfig,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
) -> None:
    monkeypatch.setattr(registering, "measure_costs", lambda *_: Costs(p95_ms=20.0, memory_mb=300.0, size_mb=1.0))
    where = [f"tracking.{name}={getattr(tracking, name)}" for name in ("uri", "artifacts", "experiment")]
    run = train(config("tracking=mlflow", "epochs=3", *data(home), *where))
    registry = Registry(store, "overcast-drifting")
    version = register(run_candidate(run), registry, {}).version
    dark = served(run, home, monkeypatch, 0.4)
    shutil.rmtree(run.folder)  # the registered model is all that it takes
    said = script("drift", f"log={dark}", "model=models:/overcast-drifting@champion", "out=page", *where)
    assert said.code == 1, said
    assert "brightness" in said.out.splitlines()[0]
    assert registry.file(registry.version(version), FILE).stat().st_size < 100_000
    assert (
        "there is no registered model none" in script("drift", f"log={dark}", "model=models:/none/1", *where).mistake()
    )
    assert script("drift", f"log={dark}", "out=page", *where).code == 1  # the run that the log names, from MLflow

    client, of_none = store.client, "overcast-old"
    client.create_registered_model(of_none)
    bare = home / "bare"
    bare.mkdir()
    tags = {"format": registry.version(version).tags["format"]}
    client.create_model_version(of_none, str(bare), tags=tags)
    assert "register it again" in script("drift", f"log={dark}", f"model=models:/{of_none}/1", *where).mistake()
