"""The statistics against scipy and statsmodels, and against thousands of studies whose truth is known."""

import gc

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from overcast.statistics.estimates import Estimate, holm, one_sample_t, paired_tests, two_way

STUDIES, COMPARISONS, REPEATS = 2500, 16, 10


@pytest.fixture
def draw():
    return np.random.default_rng(20030901).normal


@pytest.fixture
def holms(monkeypatch):
    """Holm's correction study by study, without the garbage collection that statsmodels adds to each call."""
    monkeypatch.setattr(gc, "collect", lambda: 0)
    return lambda p: np.array([holm(one) for one in p])


def covered(estimate: Estimate) -> float:
    return float(((estimate.low <= 0) & (estimate.high >= 0)).mean())


def measured(draw, overlap=0.0):
    """Changes of 16 mitigations that change nothing, against one baseline: repeats correlate as ``overlap``."""

    def cell(many):
        shared, own = draw(size=(STUDIES, many, 1)), draw(size=(STUDIES, many, REPEATS))
        return np.sqrt(overlap) * shared + np.sqrt(1 - overlap) * own

    return cell(COMPARISONS) - cell(1)


def test_repeated_is_the_paired_t_test(draw):
    a, b = draw(0.9, 0.02, (2, 10))
    ours, theirs = one_sample_t(a - b), stats.ttest_rel(a, b)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()))


def test_overlap_is_nadeau_and_bengios_formula(draw):
    d = draw(0.02, 0.01, 10)
    t = d.mean() / np.sqrt((1 / 10 + 1 / 8) * d.var(ddof=1))  # 10 folds, one validates: test over train is 1/8
    assert one_sample_t(d, 1 / 9).p == pytest.approx(2 * stats.t.sf(abs(t), 9))


def test_text_interval_and_test_agree_on_every_study(draw):
    for estimate in (one_sample_t(draw(0.5, 1, (500, 6)), 0.1), two_way(draw(0.1, 1, (200, 4, 30)))):
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


@pytest.mark.slow
@pytest.mark.parametrize("folds", [5, 10])
def test_overlapping_train_parts_need_the_correction_and_holm_for_it_too(draw, holms, folds):
    rho = 1 / (folds - 1)
    changes = measured(draw, overlap=rho)
    plain, careful = one_sample_t(changes), one_sample_t(changes, rho)
    assert (plain.p < 0.05).mean() > 0.1 > 0.07 > (careful.p < 0.05).mean() > 0.03
    assert covered(plain) < 0.9 and 0.93 < covered(careful) < 0.97  # noqa: PT018
    paired = holms(plain.p) < 0.05
    assert (paired & (careful.p < 0.05)).any(1).mean() > 0.15  # Holm on the paired test alone is not enough
    judged = np.array([paired_tests(study, rho).clear for study in changes])
    assert np.array_equal(judged, paired & (holms(careful.p) < 0.05))
    assert judged.any(1).mean() < 0.07


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


def test_two_way_of_one_repeat_or_one_sample_falls_back():
    assert np.isnan(two_way(np.ones((1, 20))).standard_error)
    assert two_way(np.array([[1.0], [0.0], [1.0]])).standard_error == pytest.approx(
        one_sample_t([1.0, 0.0, 1.0]).standard_error
    )


def test_holm_is_statsmodels_and_ignores_what_was_not_compared():
    p = np.array([0.03, np.nan, 0.001, 0.02])
    adjusted = holm(p)
    assert np.isnan(adjusted[1])
    assert adjusted[[0, 2, 3]] == pytest.approx(multipletests(p[[0, 2, 3]], method="holm")[1])
    assert np.isnan(holm([np.nan, np.nan])).all()


def test_nothing_ever_differed():
    same = one_sample_t(np.zeros(10), 0.1)
    assert (same.mean, same.p, same.low, same.high, same.detectable(3)) == (0, 1, 0, 0, 0)
    rounded = one_sample_t(np.full(10, 0.1 + 0.2 - 0.3))
    assert (rounded.mean, rounded.p) == (0, 1)
    nowhere = two_way(np.zeros((5, 30)), 0.1)
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


def test_detectable_is_statsmodels_power(draw):
    d = one_sample_t(draw(0, 0.02, 10), 0.1)
    size = float(d.detectable(16) / d.standard_error) / np.sqrt(10)
    assert TTestPower().power(size, 10, 0.05 / 16) == pytest.approx(0.8, abs=1e-3)


def test_detectable_differences_are_detected_four_times_in_five(draw):
    known = Estimate(np.float64(0), np.float64(1 / np.sqrt(REPEATS)), np.float64(REPEATS - 1))
    true = known.detectable(COMPARISONS)
    found = one_sample_t(draw(true, 1, (20_000, REPEATS))).p < 0.05 / COMPARISONS
    assert found.mean() == pytest.approx(0.8, abs=0.015)


def test_a_family_is_judged_together_and_what_has_no_repeats_is_not_counted(draw):
    better, worse, nothing = draw(0.05, 0.01, 10), draw(-0.05, 0.01, 10), draw(0, 0.01, 10)
    tests = paired_tests([better, [], worse, [0.4], nothing], 1 / 9)
    assert tests.direction.tolist() == [1, 0, -1, 0, 0]
    assert tests.clear.tolist() == [True, False, True, False, False]
    made = [0, 2, 4]
    for found, overlap in ((tests.p_paired, 0), (tests.p_corrected, 1 / 9)):
        raw = [float(one_sample_t(each, overlap).p) for each in (better, worse, nothing)]
        assert found[made] == pytest.approx(multipletests(raw, method="holm")[1])
        assert np.isnan(found[[1, 3]]).all()
    assert tests.detectable[0] == pytest.approx(one_sample_t(better, 1 / 9).detectable(3))
    assert tests.paired.mean[3] == 0.4


def test_one_uncorrected_interval_is_not_clear():
    """A difference whose interval lies above zero, alone: not so among ten, nor with train parts that overlap."""
    d = np.array([0.01, 0.02, 0.03, 0.02, 0.03, 0.0])
    assert one_sample_t(d).low > 0
    assert paired_tests([d], 0.1).clear.all()
    assert not paired_tests([d] * 10, 0.1).clear.any()
    assert not paired_tests([d], 0.5).clear.any()


def test_a_family_over_the_samples_of_a_fixed_test_part(draw):
    answers = draw(0.1, 1, (4, 30))
    tests = paired_tests([answers, answers.mean(1)], [0.1, 0.2])
    for i, one in enumerate((two_way(answers, 0.1), one_sample_t(answers.mean(1), 0.2))):
        assert (tests.corrected.mean[i], tests.corrected.standard_error[i]) == pytest.approx(
            (float(one.mean), float(one.standard_error))
        )


def test_an_empty_family_says_nothing():
    assert paired_tests([], 0.1).clear.tolist() == []
    assert paired_tests([[], [0.1]], np.nan).direction.tolist() == [0, 0]
