"""The verdict follows accuracy and its spread over depth."""

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
        ((0.3, 0.05, 0.9), "It holds here. Without help 1 hidden layer comes out best"),
        ((0.95, 0.005, 0.95), "It does not show here. Without help 6 hidden layers come out best (95.0 %): the deep"),
        ((0.3, 0.005, 0.3), "It holds here in part."),
    ],
)
def test_the_verdict(rows: Any, measured: Any, given: tuple[float, ...], opening: str) -> None:
    found = measured(depth, *cells(rows, *given))
    assert found.verdict.startswith(opening)
    assert len(found.pictures) == 2


def test_a_real_study(study: Any, accuracies: Any) -> None:
    one, three = (["model=dnn", f"model.hidden={hidden}"] for hidden in ("[8]", "[8,8,8]"))
    runs = study(one, three, [*one, "mitigation=batch_norm"], [*three, "mitigation=batch_norm"])
    found = depth.measured(runs)
    bare, normed = found.pictures[0].parts[0].figure.data
    assert (bare.name, list(bare.x), normed.name, list(normed.x)) == ("none", [1, 3], "batch_norm", [1, 3])
    assert [*bare.y, *normed.y] == pytest.approx(accuracies(runs))
    assert "batch_norm: " in found.verdict
