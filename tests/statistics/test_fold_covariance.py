"""What folds share, from data sets whose truth is known."""

import numpy as np
import pytest

from overcast.statistics.fold_covariance import estimate_fold_covariance

FOLD, SEED = 0.5, 2.0
"""Variances of one run's difference."""


@pytest.fixture
def draw():
    return np.random.default_rng(20030901).normal


def differences(draw, covariance, data_sets=60, comparisons=2, folds=5, seeds=3):
    """Of each comparison (N, K, R)."""
    shared = np.sqrt(covariance) * draw(size=(comparisons, data_sets, 1, 1))
    of_folds = np.sqrt(FOLD) * draw(size=(comparisons, data_sets, folds, 1))
    return list(0.3 + shared + of_folds + np.sqrt(SEED) * draw(size=(comparisons, data_sets, folds, seeds)))


@pytest.mark.parametrize("covariance", [0.0, 0.125, 0.5])
def test_the_ratios_are_recovered_within_their_errors(draw, covariance):
    found = estimate_fold_covariance(differences(draw, covariance, data_sets=400))
    truth = covariance / (FOLD + SEED)
    assert abs(found.per_run - truth) < 3 * found.per_run_error
    assert found.per_run_error < 0.1 * (1 + truth)
    assert found.data_sets == 400


def test_the_estimate_is_unbiased_and_its_error_is_that_of_repeated_experiments(draw):
    found = [estimate_fold_covariance(differences(draw, 0.25)) for _ in range(150)]
    values, errors = (np.array([getattr(each, name) for each in found]) for name in ("per_run", "per_run_error"))
    assert values.mean() == pytest.approx(0.1, abs=3 * values.std() / np.sqrt(150))
    assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(ddof=1), rel=0.25)


def test_without_a_covariance_the_estimate_is_negative_half_of_the_time(draw):
    values = [estimate_fold_covariance(differences(draw, 0.0, data_sets=20)).per_run for _ in range(100)]
    assert 0.3 < np.mean(np.array(values) < 0) < 0.75


def test_it_is_a_ratio_and_knows_no_unit(draw):
    comparisons = differences(draw, 0.25, data_sets=10)
    one, other = (estimate_fold_covariance([unit * x for x in comparisons]) for unit in (1, 100))
    assert other.per_run == pytest.approx(one.per_run)


def test_three_data_sets_are_enough(draw):
    found = estimate_fold_covariance(differences(draw, 0.25, data_sets=3))
    assert np.isfinite([found.per_run, found.per_run_error]).all()
