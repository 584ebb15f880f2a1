"""The verdict follows the gradients and the accuracies; the gradients are those of the first weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from overcast.claims import vanishing_gradient
from overcast.prediction.build import build
from overcast.training.train import train


def cells(rows: Any, sigmoid: float, relu: float, normed: float) -> list[pd.DataFrame]:
    deep = {"model.hidden": [64] * 10}
    return [
        rows(sigmoid, **deep, **{"model.activation": "sigmoid"}),
        rows(relu, **deep, **{"model.activation": "relu"}),
        rows(normed, **deep, **{"model.activation": "sigmoid"}, mitigation="batch_norm"),
    ]


def gradients_of(trials: pd.DataFrame, bare_sigmoid: Sequence[float]) -> Any:
    """By run: the first layer's gradient, through bare sigmoid units as given, else about 0.5; the last one's is 1."""
    bare = (trials["model.activation"] == "sigmoid") & (trials["mitigation"] == "none")
    others = cycle((0.4, 0.5, 0.6))
    sizes = iter(np.where(bare, [*bare_sigmoid] * 3, [next(others) for _ in range(len(trials))]))
    return lambda run: [float(next(sizes)), 1.0]


@pytest.mark.parametrize(
    ("accuracies", "sigmoid", "opening"),
    [
        ((0.1, 0.9, 0.8), (1e-6, 2e-6, 5e-7), "It holds here. With 10 hidden layers the first layer's gradient is 1e-"),
        ((0.1, 0.9, 0.8), (0.0, 0.0, 1e-40), "It holds here. With 10 hidden layers"),  # below single precision
        ((0.9, 0.8, 0.7), (0.3, 0.5, 0.4), "It does not show here. With 10 hidden layers"),
        ((0.9, 0.8, 0.95), (1e-6, 2e-6, 5e-7), "It holds here in part."),
        ((0.1, 0.9, 0.8), (0.1, 0.15, 0.12), "It holds here in part."),  # less, and not by a tenth
        ((0.1, 0.9, 0.8), (0.4, 1e-8, 0.3), "It holds here in part."),  # far less on average, by one run alone
    ],
)
def test_the_verdict(
    rows: Any, judge: Any, accuracies: tuple[float, ...], sigmoid: tuple[float, ...], opening: str
) -> None:
    frames = cells(rows, *accuracies)
    result = judge(vanishing_gradient, *frames, gradients=gradients_of(pd.concat(frames), sigmoid))
    assert result.verdict.startswith(opening)
    assert len(result.pictures) == 3


def test_the_gradients_of_a_run_before_training(trained: Any) -> None:
    sizes = vanishing_gradient.gradients(trained)
    net, _ = build(trained.config, trained.spec)
    assert len(sizes) == sum(p.dim() > 1 for p in net.parameters())
    assert all(size > 0 for size in sizes)
    torch.manual_seed(99)  # they depend on the run's own seed alone
    assert vanishing_gradient.gradients(trained) == sizes


def test_the_gradients_of_a_batch_are_about_those_of_the_whole_train_part(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last layer's above all: with samples of few classes it is many times as large, as every bias is wrong."""
    run = train(config("model=dnn", "model.hidden=[8,8]", "model.activation=sigmoid", "epochs=1"))
    whole = vanishing_gradient.gradients(run)
    monkeypatch.setattr(vanishing_gradient, "BATCH", 20)
    assert vanishing_gradient.gradients(run)[-2:] == pytest.approx(whole[-2:], rel=0.2)


def test_a_real_study(study: Any, accuracies: Any) -> None:
    kinds = [["model.activation=sigmoid"], ["model.activation=relu"]]
    kinds.append([*kinds[0], "mitigation=batch_norm"])
    runs = study(*(["model=dnn", "model.hidden=[8,8,8]", *kind] for kind in kinds))
    result = vanishing_gradient.judge(runs)
    by_layer, over_depth, learned = (section.parts[0].figure.data for section in result.pictures)
    names = ["sigmoid", "relu", "sigmoid + batch_norm"]
    assert [line.name for line in (*by_layer, *over_depth, *learned)] == names * 3
    assert all(list(line.x) == [1, 2, 3, 4] for line in by_layer)
    first, last = by_layer[0].y[0], by_layer[0].y[-1]
    assert first < last / 100  # through three sigmoid layers
    assert [y for line in learned for y in line.y] == pytest.approx(accuracies(runs))
