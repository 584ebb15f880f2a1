"""Means over samples, groups counting as one: against Student's interval and statsmodels' clustered errors."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from overcast.statistics.conditional import clustered_mean


def test_single_samples_give_students_interval() -> None:
    x = np.random.default_rng(0).normal(0.1, 1, 50)
    ours, theirs = clustered_mean(x, np.arange(50), 0.05), stats.ttest_1samp(x, 0).confidence_interval()
    assert (float(ours.low), float(ours.high)) == pytest.approx((theirs.low, theirs.high))


def test_groups_count_as_one_as_in_statsmodels() -> None:
    draws = np.random.default_rng(1)
    groups = draws.integers(0, 20, 100)
    x = draws.normal(0, 1, 20)[groups] + draws.normal(0, 0.5, 100)
    fit = sm.OLS(x, np.ones(100)).fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
    count = len(np.unique(groups))
    ours = clustered_mean(x, groups, 0.05)
    assert float(ours.mean) == pytest.approx(fit.params[0])
    assert float(ours.standard_error) == pytest.approx(fit.bse[0] * np.sqrt(count / (count - 1)))
    assert float(ours.df) == count - 1


def test_a_group_is_summed_wherever_its_samples_lie() -> None:
    apart, together = clustered_mean([1.0, 2.0, 4.0], [7, 3, 7], 0.05), clustered_mean([1.0, 4.0, 2.0], [1, 1, 2], 0.05)
    assert float(apart.standard_error) == pytest.approx(float(together.standard_error))


def test_one_group_tells_nothing_of_the_error() -> None:
    assert np.isnan(clustered_mean([1.0, 2.0], [0, 0], 0.05).low)
