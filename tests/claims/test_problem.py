"""The verdict counts the data sets on which the lecture's choice is better than every other network."""

from __future__ import annotations

from typing import Any

from overcast.claims import problem


def test_the_verdict(rows: Any, judge: Any) -> None:
    cells = [
        rows(accuracy, data=data, model=model, majority_accuracy=0.1, linear_accuracy=0.5)
        for data, accuracies in (("skies", (0.8, 0.6, 0.5)), ("speech", (0.9, 0.8, 0.7)))
        for model, accuracy in zip(("cnn", "lstm", "ann"), accuracies, strict=True)
    ]
    result = judge(problem, *cells)
    assert result.verdict.startswith("It holds here in part. Better on 1 of 2 data sets. skies (snapshot): cnn 80.0 %")
    assert "against the best other, lstm, +20.0 points [" in result.verdict
    assert "]: better. speech (sequence): " in result.verdict
    assert "speech (sequence): lstm 80.0 %, against the best other, cnn, −10.0 points" in result.verdict
    assert "]: not ahead for sure." in result.verdict
    (chart,) = result.pictures
    assert list(chart.parts[0].figure.data[0].x) == ["majority", "linear", "cnn", "lstm", "ann"]


def test_a_real_study(study: Any, accuracies: Any) -> None:
    cells = [[data, model] for data in ("data=skies", "data=waves") for model in ("model=cnn", "model=lstm")]
    runs = study(*([*cell, "model.width=8"] if "model=cnn" in cell else cell for cell in cells))
    result = problem.judge(runs)
    (chart,) = result.pictures
    data = chart.parts[0].figure.data[0]
    assert (list(data.x), list(data.y)) == (["majority", "linear", "cnn", "lstm"], ["skies", "waves"])
    shown = [text.removeprefix("<b>").removesuffix("</b>") for texts in data.text for text in texts[2:]]
    assert shown == [f"{value:.1f}" for value in accuracies(runs)]
