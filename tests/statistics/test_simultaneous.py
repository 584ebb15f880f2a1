"""Treatments against one control: against scipy and statsmodels, and against studies whose truth is known."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from overcast.core.paths import ROOT
from overcast.statistics.estimates import ALPHA
from overcast.statistics.simultaneous import (
    compare_with_control,
    joint_coverage,
    simultaneous_level,
)
from overcast.statistics.verdicts import Verdict, verdicts


@pytest.fixture
def draw():
    return np.random.default_rng(19550901).normal


def fold_differences(draw, treatments=5, folds=10, control=1.0, spreads=1.0):
    """(C, K, 1) of one null study: a control, and treatments with these standard deviations."""
    noise = draw(size=(treatments, folds, 1)) * np.broadcast_to(spreads, (treatments,))[:, None, None]
    return noise - control * draw(size=(1, folds, 1))


def two_way(differences):
    """statsmodels' fit of treatment and fold effects to fold means (C, K), as far as they are known."""
    c, k = np.nonzero(np.isfinite(differences))
    rows = pd.DataFrame({"d": differences[c, k], "treatment": c, "fold": k})
    return ols("d ~ C(treatment, Sum) + C(fold, Sum)", rows).fit()


# --- against outside references


@pytest.mark.parametrize(("count", "df", "correlation"), [(2, 5, 0.5), (3, 4, 0.3), (5, 20, 0.8), (17, 40, 0.5)])
def test_joint_coverage_is_that_of_the_multivariate_t(count, df, correlation):
    shape = np.full((count, count), correlation) + (1 - correlation) * np.eye(count)
    t = np.full(count, stats.t.isf(0.01, df))
    theirs = stats.multivariate_t(shape=shape, df=df, seed=1).cdf(t, lower_limit=-t)
    assert joint_coverage(0.02, count, df, correlation) == pytest.approx(theirs, abs=1e-3)


def test_joint_coverage_is_dunnetts_test(draw):
    samples = draw(size=(5, 8)) + np.array([0, 0.5, 1, 1.5, 2])[:, None]
    theirs = stats.dunnett(*samples[1:], control=samples[0], random_state=np.random.default_rng(0))
    raw = 2 * stats.t.sf(np.abs(theirs.statistic), 35)
    ours = [1 - joint_coverage(float(p), 4, 35, 0.5) for p in raw]
    assert ours == pytest.approx(list(theirs.pvalue), abs=2e-3)


def test_joint_coverage_of_one_is_its_own_and_of_independent_ones_the_product():
    for level in (0.05, 0.001):
        assert 1 - joint_coverage(level, 1, 4, 0.7) == pytest.approx(level, rel=1e-3)
    assert joint_coverage(0.03, 6, 1e7, 0) == pytest.approx(0.97**6, abs=1e-6)


def test_one_treatment_is_the_paired_t_test(draw):
    a, b = draw(0.9, 0.02, (2, 10))
    comparison = compare_with_control((a - b)[None, :, None])
    level = simultaneous_level([comparison])
    ours, theirs = comparison.interval(level), stats.ttest_rel(a, b)
    assert level == ALPHA
    assert (ours.low[0], ours.high[0]) == pytest.approx(tuple(theirs.confidence_interval()))
    assert ours.p[0] == pytest.approx(theirs.pvalue)


def test_pooled_variance_is_made_of_anovas_mean_squares(draw):
    d = fold_differences(draw)
    comparison = compare_with_control(d)
    table = anova_lm(two_way(d[:, :, 0]))
    folds, residual = table.mean_sq["C(fold, Sum)"] / 5, table.mean_sq["Residual"]
    pooled = folds + residual * (1 - 1 / 5)
    own = d[:, :, 0].var(1, ddof=1)
    assert comparison.standard_error**2 * 10 == pytest.approx(np.maximum(own, pooled))
    assert pooled == pytest.approx(own.mean())
    assert comparison.df == pytest.approx(pooled**2 / (folds**2 / 9 + (residual * 4 / 5) ** 2 / 36))
    assert comparison.correlation == pytest.approx((folds - residual / 5) / pooled)


def test_missing_cells_are_fitted_as_least_squares_does(draw):
    d = fold_differences(draw, spreads=0.3)[:, :, 0]
    d[[0, 1, 1, 3], [2, 5, 6, 2]] = np.nan
    fit = two_way(d)
    effects = fit.params.filter(like="fold").to_numpy()
    effects = np.array([*effects, -effects.sum()])
    share = (1 / np.isfinite(d).sum(0)).mean()
    pooled = effects.var(ddof=1) + fit.mse_resid * (1 - share)
    comparison = compare_with_control(d[:, :, None])
    assert fit.df_resid == 32
    assert (comparison.standard_error**2 * comparison.n_folds).min() == pytest.approx(pooled)


# --- how it behaves


def test_a_shift_moves_the_mean_and_nothing_else(draw):
    d, shift = fold_differences(draw), np.array([0, 1, -1, 0.5, 3])
    one, other = compare_with_control(d), compare_with_control(d + shift[:, None, None])
    assert other.mean == pytest.approx(one.mean + shift)
    assert other.standard_error == pytest.approx(one.standard_error)
    assert (other.df, other.correlation) == pytest.approx((one.df, one.correlation))


def test_a_fold_is_the_mean_of_the_seeds_that_it_has(draw):
    runs = draw(size=(3, 6, 4))
    runs[1, 2, 1:] = np.nan
    folds = np.nanmean(runs, 2, keepdims=True)
    seeds, means = compare_with_control(runs), compare_with_control(folds)
    assert seeds.mean == pytest.approx(means.mean)
    assert seeds.standard_error == pytest.approx(means.standard_error)
    assert (seeds.seeds, means.seeds) == (4, 1)
    assert np.isnan(means.seed_variance)


def test_noise_of_folds_and_of_seeds_is_told_apart(draw):
    runs = draw(size=(10, 200, 1)) * 2 + draw(size=(10, 200, 3))
    comparison = compare_with_control(runs)
    assert comparison.seed_variance == pytest.approx(1, rel=0.1)
    assert comparison.fold_variance.mean() == pytest.approx(4, rel=0.1)


def test_a_missing_fold_costs_its_own_treatment_and_a_lone_one_is_not_judged(draw):
    d = fold_differences(draw)
    whole = compare_with_control(d)
    d[1, 3:] = np.nan  # diverged in all folds but three
    d[4, 1:] = np.nan  # and in all but one
    comparison = compare_with_control(d)
    assert comparison.n_folds.tolist() == [10, 3, 10, 10, 1]
    assert comparison.compared.tolist() == [True, True, True, True, False]
    assert comparison.standard_error[1] > 1.5 * whole.standard_error[1]
    assert comparison.df > whole.df / 2
    assert simultaneous_level([comparison]) == simultaneous_level([compare_with_control(d[:4])])
    judged = verdicts(comparison.interval(0.01), 0.1)
    assert [each is Verdict.NOT_JUDGED for each in judged] == [False, False, False, False, True]


def test_treatments_that_ran_in_different_folds_are_judged_by_themselves(draw):
    d = draw(size=(2, 6, 1))
    d[0, 3:] = d[1, :3] = np.nan
    comparison = compare_with_control(d)
    assert comparison.df == 2
    assert comparison.standard_error**2 * 3 == pytest.approx([d[0, :3].var(ddof=1), d[1, 3:].var(ddof=1)])


@pytest.mark.parametrize("d", [np.ones((3, 1, 2)), np.full((3, 5, 2), np.nan)], ids=["one fold", "nothing"])
def test_no_interval_without_two_folds(d):
    comparison = compare_with_control(d)
    assert not comparison.compared.any()
    assert simultaneous_level([comparison]) == ALPHA
    assert verdicts(comparison.interval(ALPHA), 1.0) == [Verdict.NOT_JUDGED] * 3


def test_an_empty_family_has_none():
    comparison = compare_with_control(np.empty((0, 5, 1)))
    assert comparison.mean.shape == (0,)
    assert simultaneous_level([comparison, comparison]) == ALPHA
    assert simultaneous_level([]) == ALPHA


@pytest.mark.parametrize("folds", [5, 10])
def test_equal_differences_prove_what_agreeing_signs_prove(folds):
    comparison = compare_with_control(np.full((1, folds, 1), 0.03) + 1e-15 * np.arange(folds)[:, None])
    assert comparison.interval(ALPHA).p[0] == pytest.approx(stats.binomtest(folds, folds).pvalue)


def test_nothing_ever_differed():
    comparison = compare_with_control(np.full((3, 10, 1), 0.1 + 0.2 - 0.3))
    interval = comparison.interval(simultaneous_level([comparison]))
    assert (interval.low.tolist(), interval.high.tolist()) == ([0] * 3, [0] * 3)
    assert verdicts(interval, 0.01) == [Verdict.EQUIVALENT] * 3


def test_a_noisy_treatment_is_not_judged_by_its_calm_neighbours(draw):
    d = draw(size=(6, 10, 1)) * np.array([1, 1, 1, 1, 1, 10])[:, None, None]
    assert compare_with_control(d).standard_error[5] ** 2 * 10 == pytest.approx(d[5].var(ddof=1))


def test_what_folds_and_samples_share_is_part_of_the_error(draw):
    runs = draw(size=(4, 10, 3))
    plain = compare_with_control(runs)
    shared = compare_with_control(runs, common_ratio=0.1, sample_variance=np.arange(4))
    of_run = np.mean(plain.standard_error**2 * 10) + plain.seed_variance * 2 / 3
    assert shared.common == pytest.approx(0.1 * of_run)
    assert shared.standard_error**2 == pytest.approx(plain.standard_error**2 + 0.1 * of_run + np.arange(4))


def test_the_error_of_as_many_folds_and_seeds_is_the_standard_error(draw):
    for seeds in (1, 3):
        runs = draw(size=(4, 10, 1)) + draw(size=(4, 10, seeds))
        compared = compare_with_control(runs, common_ratio=0.1, sample_variance=np.arange(4))
        assert compared.error(10, seeds) == pytest.approx(compared.standard_error)
        assert compared.error(10**9, 1) ** 2 == pytest.approx(compared.shared)
        assert compared.error(10, np.array([[1], [2]])).shape == (2, 4)


def test_the_level_lies_between_bonferronis_and_one_interval_alone(draw):
    comparison = compare_with_control(fold_differences(draw))
    level = simultaneous_level([comparison])
    assert ALPHA / 5 < level < ALPHA
    assert joint_coverage(level, 5, comparison.df, comparison.correlation) == pytest.approx(1 - ALPHA, abs=1e-4)
    assert ALPHA / 10 < simultaneous_level([comparison, comparison]) < level


def test_independent_families_by_sidak(draw):
    one = compare_with_control(draw(size=(1, 6, 1)))
    assert simultaneous_level([one, one]) == pytest.approx(1 - (1 - ALPHA) ** (1 / 2), rel=1e-3)


# --- by simulation


def error_rate(studies):
    """The share in which an interval misses zero."""
    missed = []
    for d in studies:
        comparison = compare_with_control(d)
        interval = comparison.interval(simultaneous_level([comparison]))
        missed.append((np.abs(interval.mean) > interval.margin).any())
    return np.mean(missed)


@pytest.mark.parametrize(
    ("control", "spreads"), [(1, 1), (1.5, 1), (0.5, 1), (1, [1] * 7 + [4]), (0.5, np.linspace(0.5, 1.5, 8))]
)
def test_few_studies_without_a_difference_name_one(draw, control, spreads):
    rate = error_rate(fold_differences(draw, 8, 6, control, spreads) for _ in range(400))
    assert 0 < rate < 0.08  # of 400 with a rate of 5 %, one in 300 has more


def test_missing_runs_raise_no_alarms(draw):
    missing = np.random.default_rng(1)
    studies = (fold_differences(draw, 8, 6) for _ in range(400))
    rate = error_rate(np.where(missing.random((8, 6, 1)) < 0.1, np.nan, d) for d in studies)
    assert 0 < rate < 0.08


@pytest.mark.slow
@pytest.mark.parametrize("scenarios", ["equal variances", "graded", "missing", "known"])
def test_error_rates_keep_their_bounds(scenarios):
    command = [sys.executable, str(ROOT / "benchmarks" / "error_rates.py"), "tables=rates", f"only={scenarios}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
