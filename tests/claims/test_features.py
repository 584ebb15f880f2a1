"""The verdict follows what is ahead with all the data."""

from __future__ import annotations

from typing import Any

import pytest

from overcast.claims import features


@pytest.mark.parametrize(
    ("learned", "opening"),
    [
        (0.9, "It holds here. skies: learned (cnn) against made by hand −10.0 points ["),
        (0.6, "It does not show here."),
    ],
)
def test_the_verdict(rows: Any, judge: Any, learned: float, opening: str) -> None:
    cells = [
        rows(accuracy, data="skies", model=model, train_fraction=share)
        for model, accuracies in (("handmade", (0.5, 0.7)), ("cnn", (0.4, learned)))
        for share, accuracy in zip((0.1, 1.0), accuracies, strict=True)
    ]
    result = judge(features, *cells)
    assert result.verdict.startswith(opening)
    assert [picture.title for picture in result.pictures] == ["Learned against made by hand: skies"]


def test_a_real_study_tells_how_many_samples_were_trained_on(study: Any, accuracies: Any) -> None:
    models = (["model=handmade"], ["model=cnn", "model.width=8"])
    runs = study(*([*model, f"train_fraction={share}"] for model in models for share in (0.25, 1.0)))
    result = features.judge(runs)
    assert " with 20 samples; with 80 " in result.verdict
    handmade, cnn = result.pictures[0].parts[0].figure.data
    assert [list(handmade.x), list(cnn.x)] == [[20, 80], [20, 80]]
    assert [*handmade.y, *cnn.y] == pytest.approx(accuracies(runs))
