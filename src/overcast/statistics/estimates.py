"""How sure are we? Intervals and tests for differences that were measured a few times.

Every function takes arrays whose last axis is the repeats and treats the axes before it as independent
studies, so one call serves a single comparison and thousands of simulated ones alike. What comes back is
an `Estimate`: a mean, one standard error and its degrees of freedom. Text, interval and test are all
derived from those three and so cannot disagree.

- paired t: Student, "The probable error of a mean", 1908.
- overlap of train parts: Nadeau & Bengio, "Inference for the generalization error", 2003.
- seeds and test samples, two-way: Owen, "The pigeonhole bootstrap", 2007; degrees of freedom after
  Satterthwaite, "An approximate distribution of estimates of variance components", 1946.
- many comparisons: Holm, "A simple sequentially rejective multiple test procedure", 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from statsmodels.stats.multitest import multipletests

Array = NDArray[np.float64]

ALPHA = 0.05
"""The size of every test; intervals are at ``1 - ALPHA``."""
POWER = 0.8
"""A difference counts as detectable if a study like this one would find it this often."""
ROUNDING = 1e-9
"""Differences and spreads below this are floating-point noise: outcomes are of the order of one."""


@dataclass(frozen=True)
class Estimate:
    """A mean, its standard error and the degrees of freedom of that error; NaN error where it is unknown.

    level: with which probability the interval misses the truth.
    """

    mean: Array
    standard_error: Array
    df: Array
    level: float = ALPHA

    @property
    def margin(self) -> Array:
        """Half the width of the interval: ``t(1 - level/2; df) · standard_error``."""
        return np.asarray(-special.stdtrit(self.df, self.level / 2) * self.standard_error)

    @property
    def low(self) -> Array:
        return self.mean - self.margin

    @property
    def high(self) -> Array:
        return self.mean + self.margin

    @property
    def p(self) -> Array:
        """Two-sided p-value of "the true mean is 0"; 1 if nothing ever differed, NaN if the error is unknown."""
        never = (self.mean == 0) & (self.standard_error == 0)
        t = np.abs(self.mean) / np.where(never, 1.0, self.standard_error)
        return np.asarray(2 * stats.t.sf(t, self.df))

    def detectable(self, comparisons: int) -> Array:
        """The smallest true difference that `POWER` of studies like this one would call clear.

        A study calls a difference clear if ``|mean| > t(1 - α/2; df) · standard_error`` with
        ``α = ALPHA / comparisons`` (Holm's first and hardest step). With a true difference δ the ratio
        ``mean / standard_error`` follows the noncentral t with noncentrality ``δ / standard_error``; solved for δ at
        `POWER`. The error is the one the study measured, so this too is an estimate.
        """
        critical = stats.t.isf(ALPHA / comparisons / 2, self.df)
        return np.asarray(special.nctdtrinc(self.df, 1 - POWER, critical) * self.standard_error)


def one_sample_t(values: ArrayLike, overlap: float = 0.0) -> Estimate:
    """Mean of ``values (..., n)`` over n repeats; of paired differences, this is the paired t-test.

    ``standard_error² = s² · (1/n + ρ/(1-ρ))`` with s² the sample variance and ρ the ``overlap``. With ρ = 0 that is
    the plain ``s²/n``. Nadeau & Bengio put ρ at test ÷ (test + train): repeats whose train parts overlap are
    correlated, and more repeats then tell less than ``1/n`` promises. Rows that neither train nor test, such as a
    validation part, do not count: with ten folds, one of which validates, ρ is 1/9.

    If all n differences are the same and not 0, s says nothing. The error is then the one for which the
    t-test gives the p-value of the sign test, ``2^(1-n)``: the most that n agreeing signs can prove.
    """
    x = np.asarray(values, float)
    x = np.where(np.abs(x) < ROUNDING, 0.0, x)
    n = x.shape[-1]
    mean = x.mean(-1) if n else np.full(x.shape[:-1], np.nan)
    df = np.full(mean.shape, max(n - 1, 1), float)
    if n < 2:
        return Estimate(mean, np.full(mean.shape, np.nan), df)
    variance = x.var(-1, ddof=1)
    agreeing = np.abs(mean) / stats.t.isf(2.0**-n, n - 1) * np.sqrt(n)
    spread = np.where(np.sqrt(variance) < ROUNDING, agreeing, np.sqrt(variance))
    return Estimate(mean, spread * np.sqrt(_inflated(n, overlap)), df)


def two_way(values: ArrayLike, overlap: float = 0.0) -> Estimate:
    """Mean of ``values (..., n, m)`` over n repeats and the m samples of one fixed test part.

    The model is ``x_ij = μ + a_i + b_j + e_ij`` (repeat, sample, rest, all random), so that the interval
    speaks of new seeds and of new test samples. With the mean squares A (repeats), B (samples), E (rest):

        standard_error² = (A·n·(1/n + ρ/(1-ρ)) + B - E) / (n m),   df = standard_error⁴ / Σ (term² / its df)

    For ρ = 0 this is Owen's "variance over seeds / n + variance over samples / m" less E/(n m), which
    that sum counts twice. The error is never below that of repeats alone or of samples alone, and where every value is
    the same it is that of `one_sample_t`.
    """
    x = np.asarray(values, float)
    n, m = x.shape[-2:]
    if n < 2 or m < 2:
        return one_sample_t(x.mean(-1), overlap)
    mean = x.mean((-1, -2))
    rows, columns = x.mean(-1), x.mean(-2)
    a, b = m * rows.var(-1, ddof=1), n * columns.var(-1, ddof=1)
    rest = x - rows[..., None] - columns[..., None, :] + mean[..., None, None]
    e = (rest**2).sum((-1, -2)) / ((n - 1) * (m - 1))
    terms = np.stack([a * n * _inflated(n, overlap), b, -e]) / (n * m)
    variance = np.maximum(terms.sum(0), terms[:2].max(0))
    doubt = terms[0] ** 2 / (n - 1) + terms[1] ** 2 / (m - 1) + terms[2] ** 2 / ((n - 1) * (m - 1))
    df = np.divide(variance**2, doubt, out=np.full(variance.shape, float(n - 1)), where=doubt > 0)
    constant, alike = np.sqrt(variance) < ROUNDING, one_sample_t(rows, overlap)
    standard_error = np.where(constant, alike.standard_error, np.sqrt(variance))
    return Estimate(mean, standard_error, np.where(constant, alike.df, np.clip(df, n - 1, None)))


def _inflated(n: int, overlap: float) -> float:
    return 1 / n + overlap / (1 - overlap)


def holm(p: ArrayLike) -> Array:
    """Holm's adjusted p-values of one study; NaN (a comparison not made) stays NaN and is not counted."""
    raw = np.asarray(p, float)
    adjusted = np.full(raw.shape, np.nan)
    made = np.isfinite(raw)
    if made.any():
        adjusted[made] = multipletests(raw[made], alpha=ALPHA, method="holm")[1]
    return adjusted


@dataclass(frozen=True)
class PairedTests:
    """A family of C comparisons, judged together; every array is (C,), in the order they were given.

    paired: the estimates of the plain paired test; corrected: the same, widened for overlapping train parts.
    p_paired, p_corrected: the two tests' p-values after Holm's correction over the family, NaN where there is none.
    """

    paired: Estimate
    corrected: Estimate
    p_paired: Array
    p_corrected: Array

    @property
    def clear(self) -> NDArray[np.bool_]:
        """Whether both tests stay below `ALPHA`."""
        return (self.p_paired < ALPHA) & (self.p_corrected < ALPHA)

    @property
    def direction(self) -> NDArray[np.int64]:
        """1 for a difference clearly above zero, -1 for one clearly below, 0 for one that is not clear."""
        return np.where(self.clear, np.sign(self.paired.mean), 0).astype(np.int64)

    @property
    def detectable(self) -> Array:
        """`Estimate.detectable` under the harder of the two tests."""
        return self.corrected.detectable(max(int(np.isfinite(self.p_paired).sum()), 1))


def paired_tests(differences: Sequence[ArrayLike], overlap: ArrayLike) -> PairedTests:
    """What "clear" means, in comparisons and claims alike: both tests below `ALPHA` after Holm over the whole family.

    differences: of each comparison its paired differences, ``(n,)`` over n repeats, or ``(n, m)`` over n repeats and
    the m samples of one fixed test part; one with fewer than 2 repeats is not tested and not counted.
    overlap: ρ of `one_sample_t`, one for all or one for each comparison.

    Holm is applied to both tests: with 17 comparisons of ten repeats that are correlated as the correction assumes,
    ρ = 1/9, simulated studies without any true difference name one clear in 24 % of cases if only the paired test is
    corrected for their number, in 4 % if both are.
    """
    arrays = [np.asarray(each, float) for each in differences]
    rho = np.broadcast_to(np.asarray(overlap, float), (len(arrays),)).tolist()
    paired = _joined([_estimate(x, 0.0) for x in arrays])
    corrected = _joined([_estimate(x, each) for x, each in zip(arrays, rho, strict=True)])
    return PairedTests(paired, corrected, holm(paired.p), holm(corrected.p))


def _estimate(x: Array, overlap: float) -> Estimate:
    return two_way(x, overlap) if x.ndim == 2 else one_sample_t(x, overlap)


def _joined(estimates: Sequence[Estimate]) -> Estimate:
    """Estimates of one number each as one of ``(C,)``."""
    mean, error, df = (np.array([getattr(each, name) for each in estimates], float) for name in _FIELDS)
    return Estimate(mean, error, df)


_FIELDS = ("mean", "standard_error", "df")
