"""Looks spend no more than the family's error, and what is dropped could hardly have been decided."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from overcast.statistics.sequential import conditional_power, futile, planned_looks, spent
from overcast.statistics.simultaneous import ControlComparison, compare_with_control, simultaneous_level
from overcast.statistics.verdicts import verdict


def test_looks_end_with_the_whole_study() -> None:
    assert planned_looks(10) == [4, 6, 8, 10]
    assert planned_looks(9) == [4, 6, 8, 9]
    assert planned_looks(3) == [3]


@pytest.mark.parametrize("folds", [3, 5, 10, 30])
def test_the_looks_spend_the_error_once_and_late_ones_most(folds: int) -> None:
    errors = spent(planned_looks(folds))
    assert sum(errors) == pytest.approx(0.05)
    assert errors[:-1] == sorted(errors[:-1])


def test_conditional_power_is_that_of_the_folds_to_come() -> None:
    """Against ten thousand ways in which the study could go on."""
    draws = np.random.default_rng(4)
    seen = draws.normal(0.02, 0.02, (1, 4, 1))
    compared = compare_with_control(seen)
    level, margin, folds = 0.05, 0.03, 12
    sd = float(compared.standard_error[0]) * 2
    rest = draws.normal(float(compared.mean[0]), sd, (10_000, folds - 4))
    means = (seen.sum() + rest.sum(1)) / folds
    half = float(stats.t.isf(level / 2, folds - 1)) * sd / np.sqrt(folds)  # as all folds will have it
    decided = [verdict(m - half, m + half, margin).decided for m in means]
    assert conditional_power(compared, folds, margin, level)[0] == pytest.approx(np.mean(decided), abs=0.02)


def test_the_samples_of_a_fixed_test_part_are_there_after_all_folds_too() -> None:
    """No fold makes their part of the error smaller, and it does not move the mean."""
    runs = np.random.default_rng(1).normal(0, 0.01, (3, 4, 1))
    sure, unsure = (compare_with_control(runs, 0.0, np.full(3, error**2)) for error in (0.0, 0.03))
    assert conditional_power(unsure, 20, 0.03, 0.01).max() < 0.001
    assert futile(unsure, 20, 0.03, 0.01).all()
    assert not futile(sure, 20, 0.03, 0.01).any()


def test_what_lies_between_zero_and_the_margin_with_little_left_is_futile() -> None:
    wide = compare_with_control(np.array([[[-0.05], [0.05], [-0.05], [0.06]]]))
    sure = compare_with_control(np.array([[[0.050], [0.051], [0.049], [0.052]]]))
    assert futile(wide, 6, 0.03, 0.01).tolist() == [True]
    assert futile(sure, 6, 0.03, 0.01).tolist() == [False]


def test_a_sequential_study_without_a_difference_seldom_names_one() -> None:
    """Ten null comparisons, looked at four times: a family-wise error of 5 %, and the futile stop."""
    draws = np.random.default_rng(8)
    looks = planned_looks(10)
    alarms, used = 0, []
    for _ in range(150):
        y = draws.normal(0, 0.02, (11, 10, 1))
        differences, going = y[1:] - y[:1], np.ones(10, bool)
        folds_used = np.full(10, 10)
        for folds, alpha in zip(looks, spent(looks), strict=True):
            compared = compare_with_control(differences[:, :folds])
            level = simultaneous_level([compared], alpha)
            interval = compared.interval(level)
            alarms += bool((((interval.low > 0) | (interval.high < 0)) & going).any())
            stop = going & futile(compared, 10, 0.03, simultaneous_level([compared.after(10)], spent(looks)[-1]))
            folds_used[stop] = folds
            going &= ~stop
        used.append(folds_used.mean())
    assert alarms / 150 <= 0.08  # 5 %, and two standard errors of so few studies
    assert np.mean(used) < 9


def test_a_clear_difference_is_seldom_dropped_before_the_look_that_finds_it() -> None:
    """Of 5 points, at 2.8 between folds, all ten folds find nearly every one; what a first look knows is little."""
    draws, looks, found = np.random.default_rng(5), planned_looks(10), 0
    for _ in range(300):
        differences = draws.normal(0.05, 0.028, (1, 10, 1))
        for folds, alpha in zip(looks, spent(looks), strict=True):
            compared = compare_with_control(differences[:, :folds])
            if verdict(*_ends(compared, simultaneous_level([compared], alpha)), 0.03).decided:
                found += 1
                break
            if futile(compared, 10, 0.03, simultaneous_level([compared.after(10)], spent(looks)[-1]))[0]:
                break
    assert found >= 0.95 * 300


def _ends(compared: ControlComparison, level: float) -> tuple[float, float]:
    interval = compared.interval(level)
    return float(interval.low[0]), float(interval.high[0])
