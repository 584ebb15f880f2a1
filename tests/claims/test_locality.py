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
        ((0.8, 0.5, 0.4), "It holds here. cnn: 80.0 % with 10 weights and 20 multiply-adds."),
        ((0.8, 0.9, 0.4), "It holds here in part."),
        ((0.8, 0.9, 0.9), "It does not show here."),
    ],
)
def test_the_verdict(rows: Any, measured: Any, accuracies: tuple[float, ...], opening: str) -> None:
    found = measured(locality, *cells(rows, *accuracies), moved=lambda run: [0.8, 0.7, 0.6, 0.5, 0.4])
    assert found.verdict.startswith(opening)
    assert "dnn 8-64 +20.0 points" in found.verdict  # lost by moving eight pixels
    assert len(found.pictures) == 2


def test_moved_pictures(trained: Any) -> None:
    found = locality.moved(trained)
    assert len(found) == len(locality.SHIFTS)
    assert all(0 <= accuracy <= 1 for accuracy in found)


def test_a_real_study(study: Any, accuracies: Any) -> None:
    models = (["model=cnn", "model.width=8"], ["model=dnn", "model.hidden=[8,8]"])
    runs = study(*([*model, f"shuffle_pixels={shuffle}"] for model in models for shuffle in ("false", "true")))
    found = locality.measured(runs)
    moved, shuffled = (section.parts[0].figure.data for section in found.pictures)
    assert [line.name for line in (*moved, *shuffled)] == ["cnn", "dnn 8-8"] * 2
    assert [y for line in shuffled for y in line.y] == pytest.approx(expected := accuracies(runs))
    assert [line.y[0] for line in moved] == pytest.approx(expected[::2])  # moved by nothing
    assert {tuple(line.x) for line in moved} == {locality.SHIFTS}
