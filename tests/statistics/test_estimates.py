"""The statistics against scipy and statsmodels, and against thousands of studies whose truth is known."""

import gc

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from overcast.statistics.conditional import clustered_mean
from overcast.statistics.estimates import Estimate, by_group, one_sample_t, sample_variance, two_way

STUDIES, COMPARISONS, REPEATS = 2500, 16, 10


@pytest.fixture
def draw():
    return np.random.default_rng(20030901).normal


@pytest.fixture
def holms(monkeypatch):
    """Holm's correction study by study, without the garbage collection that statsmodels adds to each call."""
    monkeypatch.setattr(gc, "collect", lambda: 0)
    return lambda p: np.array([multipletests(one, method="holm")[1] for one in p])


def covered(estimate: Estimate) -> float:
    return float(((estimate.low <= 0) & (estimate.high >= 0)).mean())


def measured(draw):
    """Changes of 16 mitigations that change nothing, against one baseline."""
    return draw(size=(STUDIES, COMPARISONS, REPEATS)) - draw(size=(STUDIES, 1, REPEATS))


def test_repeated_is_the_paired_t_test(draw):
    a, b = draw(0.9, 0.02, (2, 10))
    ours, theirs = one_sample_t(a - b), stats.ttest_rel(a, b)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()))


def test_text_interval_and_test_agree_on_every_study(draw):
    for estimate in (one_sample_t(draw(0.5, 1, (500, 6))), two_way(draw(0.1, 1, (200, 4, 30)))):
        outside = (estimate.low > 0) | (estimate.high < 0)
        assert np.array_equal(outside, estimate.p < 0.05)


def test_false_alarms_and_coverage_with_independent_repeats(draw, holms):
    plain = one_sample_t(measured(draw))
    assert 0.03 < (plain.p < 0.05).mean() < 0.07
    assert 0.93 < covered(plain) < 0.97
    assert (holms(plain.p) < 0.05).any(1).mean() < 0.07


def test_false_alarms_with_counted_answers(holms):
    draws = np.random.default_rng(1)
    right = draws.binomial(225, 0.9, (STUDIES, COMPARISONS + 1, REPEATS)) / 225
    plain = one_sample_t(right[:, 1:] - right[:, :1])
    assert 0.03 < (plain.p < 0.05).mean() < 0.07
    assert 0.93 < covered(plain) < 0.97
    assert (holms(plain.p) < 0.05).any(1).mean() < 0.07


@pytest.mark.parametrize(
    ("seed", "sample", "n", "m"), [(0.01, 0.15, 10, 400), (0.02, 0.1, 10, 300), (0.02, 0.2, 5, 200)]
)
def test_two_way_covers_new_seeds_and_new_samples(draw, seed, sample, n, m):
    estimates, rows = [], []
    for _ in range(8):
        x = seed * draw(size=(250, n, 1)) + sample * draw(size=(250, 1, m)) + 0.3 * draw(size=(250, n, m))
        estimates.append(covered(two_way(x)))
        rows.append(covered(one_sample_t(x.mean(-1))))
    assert 0.93 < np.mean(estimates) < 0.97
    assert np.mean(rows) < np.mean(estimates)


def test_two_way_covers_answers_that_are_right_or_wrong(draw):
    def right(hard):
        own = draw(0, 1.2, (250, 1, 300)) + draw(0, 0.15, (250, 10, 1)) + draw(0, 0.7, (250, 10, 300))
        return (hard + own > 0).astype(np.float32)

    both = []
    for _ in range(8):
        hard = draw(2.5, 2, (250, 1, 300))
        x = right(hard) - right(hard)
        both.append((covered(two_way(x)), covered(one_sample_t(x.mean(-1)))))
    ours, seeds_only = np.mean(both, 0)
    assert 0.93 < ours < 0.97
    assert seeds_only < 0.8


def test_two_way_is_the_anova_estimate(draw):
    x = draw(size=(6, 40)) + draw(size=(6, 1)) + draw(size=(1, 40))
    rows, columns = x.mean(1), x.mean(0)
    a, b = 40 * rows.var(ddof=1), 6 * columns.var(ddof=1)
    e = ((x - rows[:, None] - columns + x.mean()) ** 2).sum() / (5 * 39)
    assert two_way(x).standard_error ** 2 == pytest.approx((a + b - e) / 240)
    assert sample_variance(x) == pytest.approx((b - e) / 240)


def test_groups_of_samples_keep_the_mean_and_have_the_spread_of_a_ratio(draw):
    x, groups = draw(size=(3, 50)), np.arange(50) // 4  # twelve of four, one of two
    grouped = by_group(x, groups)
    assert grouped.shape == (3, 13)
    assert grouped.mean(1) == pytest.approx(x.mean(1))
    for one, own in zip(grouped, x, strict=True):
        assert np.sqrt(one.var(ddof=1) / 13) == pytest.approx(float(clustered_mean(own, groups, 0.05).standard_error))
    assert by_group(x, np.arange(50)[::-1]).var() == pytest.approx(x.var())


def test_two_way_of_one_repeat_or_one_sample_falls_back():
    assert np.isnan(two_way(np.ones((1, 20))).standard_error)
    assert two_way(np.array([[1.0], [0.0], [1.0]])).standard_error == pytest.approx(
        one_sample_t([1.0, 0.0, 1.0]).standard_error
    )


def test_nothing_ever_differed():
    same = one_sample_t(np.zeros(10))
    assert (same.mean, same.p, same.low, same.high) == (0, 1, 0, 0)
    rounded = one_sample_t(np.full(10, 0.1 + 0.2 - 0.3))
    assert (rounded.mean, rounded.p) == (0, 1)
    nowhere = two_way(np.zeros((5, 30)))
    assert (nowhere.mean, nowhere.p) == (0, 1)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_equal_differences_prove_what_agreeing_signs_prove(n, draw):
    same = one_sample_t(np.full(n, 0.03) + 1e-15 * np.arange(n))
    assert same.p == pytest.approx(stats.binomtest(n, n).pvalue)
    assert (same.low > 0) == (same.p < 0.05)
    every_sample = two_way(np.full((n, 30), -1.0))
    assert every_sample.p == pytest.approx(same.p)
    stacked = two_way(np.stack([np.full((n, 30), -1.0), draw(size=(n, 30))]))
    assert stacked.p[0] == pytest.approx(same.p)
    assert np.isfinite(stacked.p[1])


def test_one_repeat_is_no_evidence():
    for values in ([0.02], []):
        alone = one_sample_t(values)
        assert np.isnan(alone.p)
        assert np.isnan(alone.low)
