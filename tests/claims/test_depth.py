"""The verdict follows accuracy over depth; its spread over first weights is told, and no part of the verdict."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from overcast.claims import depth


def cells(rows: Any, deep: float, spread: float, normed: float) -> list[pd.DataFrame]:
    one, six = {"model.hidden": [64]}, {"model.hidden": [64] * 6}
    return [
        rows(0.9, **one),
        rows(deep, spread=spread, **six),
        rows(normed, mitigation="batch_norm", **six),
    ]


@pytest.mark.parametrize(
    ("given", "opening"),
    [
        ((0.3, 0.05, 0.9), "What was tested of it holds here. Without help 1 hidden layer comes out best"),
        (
            (0.95, 0.005, 0.95),
            "It does not show here. Without help 6 hidden layers come out best (95.0 %). That is the deep",
        ),
        ((0.3, 0.005, 0.9), "What was tested of it holds here."),
        ((0.3, 0.005, 0.3), "It holds here in part."),
        ((0.9, 0.4, 0.9), "It does not show here."),  # a large spread alone is no verdict
    ],
)
def test_the_verdict(rows: Any, judge: Any, given: tuple[float, ...], opening: str) -> None:
    result = judge(depth, *cells(rows, *given))
    assert result.verdict.startswith(opening)
    assert len(result.pictures) == 2


def test_the_spread_is_said_with_the_depths_that_there_are(rows: Any, judge: Any) -> None:
    two, six = ({"model.hidden": [64] * depth} for depth in (2, 6))
    result = judge(depth, rows(0.9, **two), rows(0.3, spread=0.05, **six))
    assert "of 6 layers spreads by 5.0 points (standard deviation), that of 2 by 0.5: described" in result.verdict


def test_a_real_study(study: Any, accuracies: Any) -> None:
    one, three = (["model=dnn", f"model.hidden={hidden}"] for hidden in ("[8]", "[8,8,8]"))
    runs = study(one, three, [*one, "mitigation=batch_norm"], [*three, "mitigation=batch_norm"])
    result = depth.judge(runs)
    bare, normed = result.pictures[0].parts[0].figure.data
    assert (bare.name, list(bare.x), normed.name, list(normed.x)) == ("none", [1, 3], "batch_norm", [1, 3])
    assert [*bare.y, *normed.y] == pytest.approx(accuracies(runs))
    assert "batch_norm: " in result.verdict
