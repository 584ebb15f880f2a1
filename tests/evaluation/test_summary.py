"""The table says every figure of every part, and that pictures are synthetic."""

from __future__ import annotations

from typing import Any

from overcast.evaluation.evaluate import evaluate
from overcast.evaluation.summary import table
from overcast.training.train import train


def test_every_figure_is_said(config: Any) -> None:
    run = train(config("epochs=1"))
    metrics = evaluate(run)
    text = table(run, metrics)
    for part in ("train", "validation", "test"):
        assert f"{metrics[part]['accuracy']:.3f}" in text
        assert f"{metrics[part]['nll']:.3f}" in text
    assert f"[{metrics['test']['accuracy_low']:.3f}, {metrics['test']['accuracy_high']:.3f}]" in text
    assert f"{100 * metrics['gap']['accuracy']:+.1f} points" in text
    assert f"{metrics['baseline']['linear_accuracy']:.3f} logistic regression on the pixels" in text
    assert "synthetic" in text
    assert str(run.folder) in text


def test_what_is_cut_by_time_is_to_beat_persistence(config: Any) -> None:
    run = train(config("epochs=1"))
    metrics = evaluate(run, pictures=False)
    assert "the class of the sample before" not in table(run, metrics)
    metrics["baseline"]["persistence_accuracy"] = 0.4567
    assert "0.457 the class of the sample before" in table(run, metrics)
