"""The verdict follows the accuracies; pictures are moved as said."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from overcast.claims import locality


def cells(rows: Any, cnn: float, dnn: float, shuffled: float) -> list[pd.DataFrame]:
    hidden = {"model.hidden": [8, 64]}
    return [
        rows(cnn, model="cnn", shuffle_pixels=False),
        rows(dnn, model="dnn", shuffle_pixels=False, **hidden),
        rows(shuffled, model="cnn", shuffle_pixels=True),
        rows(dnn, model="dnn", shuffle_pixels=True, **hidden),
    ]


@pytest.mark.parametrize(
    ("accuracies", "opening"),
    [
        ((0.8, 0.5, 0.4), "What was tested of it holds here. cnn: 80.0 % with 10 weights and 20 multiply-adds."),
        ((0.8, 0.9, 0.4), "It holds here in part."),
        ((0.8, 0.9, 0.9), "It does not show here."),
    ],
)
def test_the_verdict(rows: Any, judge: Any, accuracies: tuple[float, ...], opening: str) -> None:
    result = judge(locality, *cells(rows, *accuracies), shifted_accuracies=lambda run: [0.8, 0.7, 0.6, 0.5, 0.4])
    assert result.verdict.startswith(opening)
    assert "dnn 8-64 +20.0 points" in result.verdict  # lost by moving eight pixels
    assert len(result.pictures) == 2


def test_moved_pictures(trained: Any) -> None:
    accuracies = locality.shifted_accuracies(trained)
    assert len(accuracies) == len(locality.SHIFTS)
    assert all(0 <= accuracy <= 1 for accuracy in accuracies)


def test_a_real_study(study: Any, accuracies: Any) -> None:
    models = (["model=cnn", "model.width=8"], ["model=dnn", "model.hidden=[8,8]"])
    runs = study(*([*model, f"shuffle_pixels={shuffle}"] for model in models for shuffle in ("false", "true")))
    result = locality.judge(runs)
    moved, shuffled = (section.parts[0].figure.data for section in result.pictures)
    assert [line.name for line in (*moved, *shuffled)] == ["cnn", "dnn 8-8"] * 2
    assert [y for line in shuffled for y in line.y] == pytest.approx(expected := accuracies(runs))
    assert [line.y[0] for line in moved] == pytest.approx(expected[::2])  # moved by nothing
    assert {tuple(line.x) for line in moved} == {locality.SHIFTS}
