"""What other networks say: the best whole run of each on the same pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.demo.open_demo import open_demo
from overcast.demo.other_networks import other_networks
from overcast.prediction.run_predictor import RunPredictor
from overcast.tracking.run_folder import Run
from overcast.training.train import train


def test_the_best_run_of_each_other_network(run: Run, config: Any, tmp_path: Path, sky: bytes) -> None:
    runs = tmp_path / "runs"
    assert other_networks(run, runs) == []
    rivals = [train(config("model=dnn", "epochs=2", f"lr={lr}")) for lr in (0.0001, 0.01)]
    train(config("epochs=3"))  # the same network
    best = min(rivals, key=lambda each: float(each.facts["best/validation_nll"]))
    (found,) = other_networks(run, runs)
    assert found.run == best
    sample = np.zeros(run.spec.shape, np.uint8)
    told = found.answer(sample)
    assert (told["network"], told["run"]) == ("dnn", best.folder.name)
    assert told["label"] in run.spec.classes
    shown = open_demo([run]).answer(sky)["others"]
    assert [row["network"] for row in shown["rows"]] == ["dnn"]
    agreeing = int(shown["rows"][0]["label"] == open_demo([run]).answer(sky)["label"])
    assert f": {agreeing} of 1 give the same class." in shown["text"]


def test_what_is_of_other_data_or_damaged_is_left_out(run: Run, config: Any, digits: Path, tmp_path: Path) -> None:
    train(config("model=dnn", "data=digits", "epochs=1"))
    broken = train(config("model=cnn", "epochs=1"))
    broken.path("model.pt").write_bytes(b"no weights")
    torn = train(config("model=lstm", "epochs=1"))
    torn.path("run.json").write_text("{")
    assert other_networks(run, tmp_path / "runs") == []


def test_of_another_fold_or_without_a_finite_loss_none_is_asked(run: Run, config: Any, tmp_path: Path) -> None:
    """Losses of other validation samples cannot be compared."""
    train(config("model=dnn", "epochs=1", "split.fold=1"))
    worst = train(config("model=cnn", "epochs=1"))
    worst.write_facts(dict(worst.facts) | {"best/validation_nll": float("nan")})
    assert other_networks(run, tmp_path / "runs") == []


def test_one_without_an_answer_does_not_take_the_others(
    run: Run, config: Any, sky: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(config("model=dnn", "epochs=1"))
    demo = open_demo([run])
    (rival,) = demo.others
    monkeypatch.setattr(RunPredictor, "logits", _nothing_finite(rival.predictor))
    told = demo.answer(sky)
    assert told["label"]
    assert told["others"]["rows"] == []


def _nothing_finite(of: RunPredictor) -> Any:
    logits = RunPredictor.logits

    def replaced(self: RunPredictor, x: np.ndarray, length: np.ndarray) -> np.ndarray:
        found = logits(self, x, length)
        return found * np.nan if self is of else found

    return replaced
