"""Data sets as a random effect: against other libraries, and by studies whose truth is known."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from overcast.statistics.random_effects import random_effects

EFFECTS = np.random.default_rng(7).normal(0.1, 0.2, (20, 6))


@pytest.mark.parametrize("error", [0.05, 0.15, 1.0])
def test_with_equal_errors_it_is_the_weighted_model_of_another_library(error):
    ours = random_effects(EFFECTS, np.full(EFFECTS.shape, error))
    found = ours.interval()
    for at, effects in enumerate(EFFECTS):
        theirs = combine_effects(effects, np.full(6, error**2), method_re="chi2", use_t=True)
        low, high = theirs.conf_int(use_t=True)[3]  # random effects, Hartung and Knapp
        assert (found.low[at], found.high[at]) == pytest.approx((low, high))
        assert ours.between_variance[at] == pytest.approx(max(theirs.tau2, 0), abs=1e-12)
    assert (ours.between_variance > 0).any() == (error < 1)


def test_the_prediction_is_that_of_one_more_observation():
    effects = EFFECTS[0]
    found = random_effects(effects, np.zeros(6)).prediction(0.1)
    spread = effects.std(ddof=1) * np.sqrt(1 + 1 / 6)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.9, 5, effects.mean(), spread))


def test_two_data_sets_say_nothing_in_general():
    two = random_effects([0.1, 0.2], [0.1, 0.1])
    assert two.mean.mean == pytest.approx(0.15)
    assert np.isnan([two.interval().low, two.prediction().low, two.between_variance]).all()


def test_effects_that_are_zero_everywhere_are_zero_in_general():
    none = random_effects(np.zeros(4), np.full(4, 0.1))
    assert (none.interval().low, none.interval().high, none.between_variance) == (0, 0, 0)


@pytest.mark.parametrize("spread", [0.0, 1.0, 4.0])
def test_intervals_cover_as_often_as_they_say(spread):
    draws = np.random.default_rng(11)
    truths = draws.normal(0, spread, (4000, 7))
    shown = draws.normal(truths, 1)
    found = random_effects(shown[:, :6], np.ones((4000, 6)))
    mean, new = found.interval(), found.prediction()
    assert (~mean.excludes_zero).mean() == pytest.approx(0.95, abs=0.012)
    assert ((new.low <= shown[:, 6]) & (shown[:, 6] <= new.high)).mean() == pytest.approx(0.95, abs=0.012)
    assert ((new.low <= truths[:, 6]) & (truths[:, 6] <= new.high)).mean() > 0.94
