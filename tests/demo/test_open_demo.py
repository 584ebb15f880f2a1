"""What ``run=`` may name, and what there is without a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from overcast.core.errors import UserError
from overcast.demo.open_demo import chosen_model, open_demo
from overcast.demo.page import page
from overcast.tracking.run_folder import Run


def test_a_folder_and_the_latest(run: Run, home: Path) -> None:
    assert chosen_model(str(run.folder)) == [run]
    (latest,) = chosen_model("latest")
    assert latest.folder.resolve() == run.folder
    with pytest.raises(UserError, match="there is no run in"):
        chosen_model("no/such")
    with pytest.raises(UserError, match="study=… goes with run=best"):
        chosen_model(str(run.folder), "mine")


def test_an_exported_network(sky: bytes) -> None:
    pytest.importorskip("onnxruntime", reason="it needs an extra")
    exported = chosen_model(str(Path(__file__).parents[1] / "serving/data/skies.onnx"))
    demo = open_demo(exported, name="weather@champion")
    told = demo.answer(sky)
    assert told["label"] in demo.predictor.spec.classes
    assert told["calibration"].startswith("Probabilities are as the model gives them")
    assert told["nearest"]["samples"] == told["others"]["rows"] == []
    assert "There is no explanation" in demo.explain(sky)["text"]
    assert "<title>weather@champion – overcast" in page(demo)
