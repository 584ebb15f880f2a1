"""The bootstrap's figures are the metrics' own; its intervals cover as often as they say, and agree with scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from overcast.evaluation.bootstrap import figures, intervals
from overcast.training.metrics import metric_collection


def drawn(number: int, seed: int, skill: float = 1.5, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, number)
    logits = rng.normal(0, 1.5, (number, classes))
    logits[np.arange(number), target] += skill
    p = np.exp(logits)
    return p / p.sum(1, keepdims=True), target


def measured(p: np.ndarray, y: np.ndarray) -> dict[str, float]:
    logits = torch.from_numpy(np.log(p)).float()
    scores = metric_collection(p.shape[1])(logits, torch.from_numpy(y))
    return {name: float(value) for name, value in scores.items()}


@pytest.mark.parametrize("number", [5, 60, 400])
def test_weights_of_one_give_the_metrics_own_figures(number: int) -> None:
    p, y = drawn(number, 0)
    scores = {name: float(value[0]) for name, value in figures(p, y, np.ones((1, number))).items()}
    assert scores == pytest.approx(measured(p, y), abs=1e-5)


def test_a_resample_is_the_figures_of_the_samples_it_drew() -> None:
    p, y = drawn(80, 1)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(80, np.full(80, 1 / 80), size=3).astype(float)
    resampled = figures(p, y, weights)
    for row, counts in enumerate(weights.astype(int)):
        again = measured(np.repeat(p, counts, 0), np.repeat(y, counts))
        assert {name: float(value[row]) for name, value in resampled.items()} == pytest.approx(again, abs=1e-5)


def test_agrees_with_scipy() -> None:
    p, y = drawn(150, 2)
    right = (p.argmax(1) == y).astype(float)
    loss = -np.log(p[np.arange(150), y])
    ours = intervals(p, y, resamples=4000)
    for name, values in (("accuracy", right), ("nll", loss)):
        rng = np.random.default_rng(0)
        theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=rng).confidence_interval
        assert ours[name] == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    p, y = drawn(100_000, 3)
    truth = measured(p, y)
    trials, inside = 150, dict.fromkeys(("accuracy", "nll", "brier"), 0)
    for trial in range(trials):
        rows = np.random.default_rng(trial).integers(0, len(y), 120)
        bounds = intervals(p[rows], y[rows], seed=trial, resamples=300)
        for name in inside:
            inside[name] += bounds[name][0] <= truth[name] <= bounds[name][1]
    assert all(0.88 < count / trials <= 1 for count in inside.values()), inside


def test_same_seed_same_interval_and_more_samples_a_narrower_one() -> None:
    few, many = drawn(60, 4), drawn(2000, 4)
    assert intervals(*few) == intervals(*few)
    assert intervals(*few, seed=1) != intervals(*few)
    for name, (low, high) in intervals(*many).items():
        assert low < measured(*many)[name] < high or name == "ece"  # resampling adds to a calibration error
        assert high - low < np.subtract(*intervals(*few)[name][::-1])


def test_a_class_nobody_has_or_guesses_and_a_sure_mistake() -> None:
    p = np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0]])
    scores = figures(p, np.array([0, 1, 1]), np.ones((1, 3)))
    assert np.isfinite([value[0] for value in scores.values()]).all()
    assert scores["macro_f1"][0] == pytest.approx(2 / 3)
