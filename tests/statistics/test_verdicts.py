"""What an interval says, and what would decide an open question."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from overcast.statistics.estimates import Estimate
from overcast.statistics.simultaneous import compare_with_control, simultaneous_level
from overcast.statistics.verdicts import Verdict, detectable, seeds_to_decide, verdict, verdicts

MARGIN = 0.01


@pytest.fixture
def draw():
    return np.random.default_rng(20101210).normal


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.02, 0.03, Verdict.BETTER),
        (0.001, 0.02, Verdict.BETTER),
        (0.001, 0.009, Verdict.SLIGHTLY_BETTER),
        (0.001, 0.01, Verdict.BETTER),  # the margin itself is not inside
        (0.0, 0.009, Verdict.EQUIVALENT),  # zero itself is not excluded
        (0.0, 0.0, Verdict.EQUIVALENT),
        (-0.009, 0.009, Verdict.EQUIVALENT),
        (-0.01, 0.009, Verdict.UNDECIDED),
        (-0.02, 0.009, Verdict.UNDECIDED),
        (0.0, 0.02, Verdict.UNDECIDED),
        (-0.009, -0.001, Verdict.SLIGHTLY_WORSE),
        (-0.02, -0.001, Verdict.WORSE),
        (-0.03, -0.02, Verdict.WORSE),
        (np.nan, 0.02, Verdict.NOT_JUDGED),
        (-np.inf, np.inf, Verdict.NOT_JUDGED),
    ],
)
def test_one_interval_says_one_thing(low, high, expected):
    assert verdict(low, high, MARGIN) is expected
    mirrored = verdict(-high, -low, MARGIN, larger_is_better=False)
    assert mirrored is expected
    assert verdict(low, high, MARGIN, larger_is_better=False).direction == -expected.direction


def test_without_a_margin_nothing_is_equivalent():
    assert verdict(-0.1, 0.1, 0) is Verdict.UNDECIDED
    assert verdict(0.001, 0.002, 0) is Verdict.BETTER


def test_direction_and_whether_it_is_decided():
    directions = {each: each.direction for each in Verdict}
    assert [each for each, sign in directions.items() if sign == 1] == [Verdict.BETTER, Verdict.SLIGHTLY_BETTER]
    assert [each for each, sign in directions.items() if sign == -1] == [Verdict.SLIGHTLY_WORSE, Verdict.WORSE]
    assert [each for each in Verdict if not each.decided] == [Verdict.UNDECIDED, Verdict.NOT_JUDGED]


def test_verdicts_of_a_family():
    estimate = Estimate(np.array([0.05, -0.05, 0.0, np.nan]), np.array([0.01, 0.01, 0.001, np.nan]), np.full(4, 9.0))
    expected = [Verdict.BETTER, Verdict.WORSE, Verdict.EQUIVALENT, Verdict.NOT_JUDGED]
    assert verdicts(estimate, MARGIN) == expected
    assert verdicts(estimate, MARGIN, larger_is_better=False)[:2] == expected[1::-1]


def test_detectable_differences_are_found_four_times_in_five(draw):
    true = detectable(1 / np.sqrt(10), 9, 0.01)
    values = draw(true, 1, (20_000, 10))
    found = stats.ttest_1samp(values, 0, axis=1).pvalue < 0.01
    assert found.mean() == pytest.approx(0.8, abs=0.03)


@pytest.fixture
def pilot(draw):
    """Five treatments over ten folds, three seeds each: variances of a run's difference 2 between seeds, 0.5 between
    folds."""
    return simulated_pilot(draw)


def simulated_pilot(draw):
    runs = np.sqrt(0.25) * draw(size=(6, 10, 1)) + draw(size=(6, 10, 3))
    return compare_with_control(runs[1:] - runs[:1])


def test_seeds_to_decide_are_as_many_as_bring_the_error_down(pilot):
    level = simultaneous_level([pilot])
    margin = 1.6
    needed = seeds_to_decide(pilot, 10, margin, level)
    quantile = stats.t.isf(level / 2, pilot.df) + stats.t.ppf(0.9, pilot.df)

    def margin_decided_with(seeds):
        return quantile * np.sqrt((pilot.fold_variance + pilot.seed_variance / seeds) / 10)

    assert (needed > 1).all()
    assert (margin_decided_with(needed) <= margin).all()
    assert (margin < margin_decided_with(needed - 1)).all()
    assert (seeds_to_decide(pilot, 20, margin, level) < needed).all()
    assert (needed < seeds_to_decide(pilot, 10, 1.5, level)).all()
    assert seeds_to_decide(pilot, 10, 100.0, level).tolist() == [1] * 5


def test_no_number_of_seeds_averages_folds_or_what_they_share(pilot):
    assert np.isnan(seeds_to_decide(pilot, 10, 0.1, 0.01)).all()
    assert np.isnan(seeds_to_decide(replace(pilot, common=0.3), 10, 2.0, 0.01)).all()
    calm = np.zeros(5)
    assert np.isnan(seeds_to_decide(replace(pilot, common=0.0, fold_variance=calm), 10, 0.01, 0.01)).all()  # too many
    unknown = replace(pilot, fold_variance=calm + np.nan, seed_variance=np.nan)
    assert np.isnan(seeds_to_decide(unknown, 10, 1.0, 0.01)).all()


def test_no_number_of_seeds_averages_the_samples_of_a_fixed_test_part(draw):
    """Of three comparisons, the second's samples alone have an error as large as the margin."""
    compared = compare_with_control(draw(0, 0.01, (3, 10, 1)), 0.0, np.array([0.0, 0.03, 0.003]) ** 2)
    needed = seeds_to_decide(compared, 10, 0.03, 0.01)
    assert np.isnan(needed).tolist() == [False, True, False]
    assert needed[0] <= needed[2]


def test_on_a_single_fold_more_seeds_are_more_degrees_of_freedom_too(draw):
    runs = draw(size=(3, 4, 1))
    compared = compare_with_control(runs - draw(size=(1, 4, 1)))
    needed, margin, level = seeds_to_decide(compared, 1, 1.0, 0.01), 1.0, 0.01

    def margin_decided_with(seeds):
        df = compared.df * (seeds - 1) / 3
        quantile = stats.t.isf(level / 2, df) + stats.t.ppf(0.9, df)
        return quantile * np.sqrt(compared.fold_variance / seeds)

    assert (margin_decided_with(needed) <= margin).all()
    assert (margin < margin_decided_with(needed - 1)).all()
    few = stats.t.isf(level / 2, compared.df) + stats.t.ppf(0.9, compared.df)  # as if there were but the pilot's
    assert (needed < few**2 * compared.fold_variance / margin**2).all()
    assert seeds_to_decide(compared, 1, 1000.0, level).tolist() == [2] * 3  # one has no error


def test_with_one_seed_all_noise_is_taken_for_that_of_seeds(pilot):
    single = replace(pilot, fold_variance=np.full(5, 2.5), seed_variance=np.nan)
    apart = replace(pilot, fold_variance=np.zeros(5), seed_variance=2.5)
    needed = seeds_to_decide(single, 10, 1.2, 0.01)
    assert needed.tolist() == seeds_to_decide(apart, 10, 1.2, 0.01).tolist()
    assert (needed > 1).all()


def test_planned_seeds_decide_most_differences_at_zero_and_at_the_margin(draw):
    margin, decided = 1.6, []
    for _ in range(200):
        pilot = simulated_pilot(draw)
        needed = seeds_to_decide(pilot, 10, margin, simultaneous_level([pilot]))[0]
        if np.isnan(needed):
            continue
        fold_means = np.sqrt(0.25 + 1 / needed) * draw(size=(6, 10, 1))
        comparison = compare_with_control(fold_means[1:] - fold_means[:1])
        at_zero = comparison.interval(simultaneous_level([comparison]))
        at_margin = replace(at_zero, mean=at_zero.mean + margin)
        decided.append([verdicts(at_zero, margin)[0].decided, at_margin.low[0] > 0])
    assert len(decided) > 100
    assert np.mean(decided, 0) == pytest.approx(0.85, abs=0.12)
