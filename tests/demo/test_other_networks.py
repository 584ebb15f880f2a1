"""What other networks say: the best whole run of each on the same pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from overcast.demo.open_demo import open_demo
from overcast.demo.other_networks import other_networks
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
