"""Flipping the signs of whole folds: against brute force, and against studies without a difference."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from overcast.statistics.estimates import ALPHA
from overcast.statistics.sign_flips import MAX_FLIPS, sign_flip_p


@pytest.fixture
def draw():
    return np.random.default_rng(19550901).normal


def test_sign_flips_by_brute_force(draw):
    families = [draw(0.6, 1, (2, 5)), draw(0, 1, (1, 5))]
    together = np.concatenate(families)

    def t(values):
        return np.array([abs(stats.ttest_1samp(row, 0).statistic) for row in values])

    largest = [t(together * signs).max() for signs in product((1, -1), repeat=5)]
    theirs = [np.mean(np.array(largest) >= own - 1e-9) for own in t(together)]
    assert np.concatenate(sign_flip_p(families)) == pytest.approx(theirs)


def test_random_sign_flips_come_near_and_are_the_same_each_time(draw):
    differences = draw(0.35, 1, (3, 16))
    once, again = sign_flip_p([differences])[0], sign_flip_p([differences])[0]
    assert once.tolist() == again.tolist()
    assert once.min() >= 1 / MAX_FLIPS
    other = draw(size=(MAX_FLIPS, 1, 16)) > 0
    flipped = np.where(other, differences, -differences)  # (flips, 3, 16)
    largest = np.abs(flipped.mean(2) / flipped.std(2)).max(1)
    own = np.abs(differences.mean(1) / differences.std(1))
    assert once == pytest.approx((largest[:, None] >= own).mean(0), abs=0.03)


def test_they_err_as_often_as_they_may(draw):
    flipped = [sign_flip_p([draw(size=(6, 8)) - draw(size=(1, 8))])[0].min() <= ALPHA for _ in range(400)]
    assert 0.02 < np.mean(flipped) < 0.08
