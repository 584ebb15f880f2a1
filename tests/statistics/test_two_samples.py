"""Against scipy's exact test and statsmodels' Holm; and whether false alarms are as rare as promised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from overcast.statistics.two_samples import detectable_distance, holm, kolmogorov_smirnov, total_variation


def test_kolmogorov_smirnov_is_near_the_exact_test() -> None:
    draw = np.random.default_rng(0)
    for shift in (0, 0.2, 0.5):
        a, b = draw.normal(size=120), draw.normal(shift, size=90)
        exact = stats.ks_2samp(a, b, method="exact")
        found = kolmogorov_smirnov(a, b)
        assert found.distance == pytest.approx(exact.statistic)
        assert found.p == pytest.approx(exact.pvalue, abs=0.02)


def test_total_variation_is_the_share_that_would_have_to_move() -> None:
    assert total_variation(np.array([50, 50]), np.array([100, 0])).distance == 0.5
    assert total_variation(np.array([5, 5]), np.array([500, 500])) == (0, 1)
    assert total_variation(np.array([70, 0]), np.array([60, 0])) == (0, 1)  # one class is nothing to test


def test_its_p_is_pearson_s_and_rare_classes_are_taken_as_one() -> None:
    a, b = np.array([30, 40, 30]), np.array([50, 30, 20])
    assert total_variation(a, b).p == pytest.approx(stats.chi2_contingency(np.stack([a, b]), correction=False).pvalue)
    a, b = np.array([30, 40, 1, 2, 0, 3]), np.array([50, 30, 2, 1, 3, 0])
    pooled = np.array([[30, 40, 6], [50, 30, 6]])
    assert total_variation(a, b).p == pytest.approx(stats.chi2_contingency(pooled, correction=False).pvalue)


def test_holm_is_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    draw = np.random.default_rng(0)
    for number in (1, 2, 9):
        p = draw.random(number) ** 3
        assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])
    assert holm(np.array([0.01, 0.01, 0.9])).tolist() == pytest.approx([0.03, 0.03, 0.9])


def test_from_the_detectable_distance_on_it_is_significant() -> None:
    n, m = 200, 100
    least = detectable_distance(n, m, 0.05)
    a = np.arange(n) / n
    for shift, significant in ((least + 0.03, True), (least - 0.03, False)):
        found = kolmogorov_smirnov(a, np.arange(m) / m + shift)
        assert (found.p < 0.05) is significant
    assert detectable_distance(1, 1, 0.05) == 1


def test_false_alarms_are_at_the_level() -> None:
    """Of labels with rare classes, and of numbers: 5 %, of 1,000 each within chance."""
    draw = np.random.default_rng(0)
    shares = [0.6, 0.3, 0.06, 0.03, 0.01]
    labels = [total_variation(draw.multinomial(150, shares), draw.multinomial(80, shares)).p for _ in range(1000)]
    numbers = [kolmogorov_smirnov(draw.normal(size=150), draw.normal(size=80)).p for _ in range(1000)]
    for found in (labels, numbers):
        assert (np.array(found) < 0.05).mean() < 0.07
        assert (np.array(found) < 0.05).mean() > 0.02
