"""The bootstrap's figures are the metrics' own; its intervals cover as often as they say, and agree with scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from overcast.core.seeding import derive_seed
from overcast.evaluation import bootstrap
from overcast.evaluation.bootstrap import RESAMPLES, changes, draw_resamples, figures, intervals
from overcast.training.metrics import measure_metrics


def drawn(number: int, seed: int, skill: float = 1.5, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, number)
    logits = rng.normal(0, 1.5, (number, classes))
    logits[np.arange(number), target] += skill
    p = np.exp(logits)
    return p / p.sum(1, keepdims=True), target


def measured(p: np.ndarray, y: np.ndarray) -> dict[str, float]:
    return measure_metrics(torch.from_numpy(np.log(p)).float(), torch.from_numpy(y)).values


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


def test_single_rows_are_drawn_as_without_groups() -> None:
    p, y = drawn(60, 5)
    assert intervals(p, y, groups=np.arange(60)[::-1] * 7) == intervals(p, y)
    rng = np.random.default_rng(derive_seed(0, "bootstrap"))
    assert (draw_resamples(np.arange(60), 0, 9) == rng.multinomial(60, np.full(60, 1 / 60), size=9)).all()


def test_blocks_of_resamples_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    p, y = drawn(60, 5)
    q, _ = drawn(60, 6)
    groups = np.arange(60) // 2
    whole, changed = intervals(p, y, groups=groups, means={"first": p[:, 0]}), changes(p, q, y, groups)
    weights = draw_resamples(groups, 0, RESAMPLES)
    monkeypatch.setattr(bootstrap, "MOST_WEIGHTS", 60 * 77)
    assert (draw_resamples(groups, 0, RESAMPLES) == weights).all()
    for name, ends in intervals(p, y, groups=groups, means={"first": p[:, 0]}).items():
        assert ends == pytest.approx(whole[name], rel=1e-12), name
    for name, change in changes(p, q, y, groups).items():
        assert change == pytest.approx(changed[name], rel=1e-9, abs=1e-12), name


def test_samples_of_one_group_alone_are_drawn_one_by_one() -> None:
    """As of a test part that one speaker recorded: an interval of no width would claim certainty."""
    p, y = drawn(60, 5)
    assert intervals(p, y, groups=np.full(60, "ann")) == intervals(p, y)
    assert all(low < high for low, high in intervals(p, y, groups=np.zeros(60, int)).values())


def test_groups_are_drawn_whole_as_by_a_plain_cluster_bootstrap() -> None:
    """Speakers of 1 to 8 recordings each, all right or all wrong: fewer samples than there seem to be."""
    rng = np.random.default_rng(6)
    groups = rng.permutation(np.repeat(np.arange(40), rng.integers(1, 9, 40)))
    _, y = drawn(len(groups), 7)
    told = (y + (rng.random(40) < 0.3)[groups]) % 4
    p = np.full((len(y), 4), 0.1)
    p[np.arange(len(y)), told] = 0.7
    ours = intervals(p, y, groups=groups)
    rows_of = [np.flatnonzero(groups == group) for group in range(40)]
    found = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([rows_of[group] for group in rng.integers(0, 40, 40)])
        found.append({name: v[0] for name, v in figures(p[rows], y[rows], np.ones((1, len(rows)))).items()})
    for name, ends in ours.items():
        theirs = np.quantile([each[name] for each in found], [0.025, 0.975])
        assert ends == pytest.approx(theirs, abs=0.15 * np.diff(theirs)[0]), name
    wide, narrow = (np.diff(each["accuracy"])[0] for each in (ours, intervals(p, y)))
    assert wide > 1.6 * narrow
    weights = draw_resamples(groups, 0, 3)
    for row, counts in enumerate(weights.astype(int)):
        assert {len(set(counts[rows])) for rows in rows_of} == {1}
        again = figures(np.repeat(p, counts, 0), np.repeat(y, counts), np.ones((1, counts.sum())))
        assert {name: v[row] for name, v in figures(p, y, weights).items()} == pytest.approx(
            {name: v[0] for name, v in again.items()}
        )


def test_a_mean_over_samples_has_an_interval_too() -> None:
    p, y = drawn(60, 8)
    right = (p.argmax(1) == y).astype(float)
    bounds = intervals(p, y, groups=np.arange(60) // 3, means={"again": right})
    assert bounds["again"] == pytest.approx(bounds["accuracy"])
