"""How sure are we? Intervals for what was measured a few times.

Every function takes arrays whose last axis is the repeats and treats the axes before it as independent
studies, so one call serves a single comparison and thousands of simulated ones alike. What comes back is
an `Estimate`: a mean, one standard error and its degrees of freedom. Text, interval and test are all
derived from those three and so cannot disagree.

- paired t: Student, "The probable error of a mean", 1908.
- seeds and test samples, two-way: Owen, "The pigeonhole bootstrap", 2007; degrees of freedom after
  Satterthwaite, "An approximate distribution of estimates of variance components", 1946.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

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
    def critical(self) -> Array:
        """By how many standard errors the interval reaches from the mean: ``t(1 - level/2; df)``."""
        return np.asarray(-special.stdtrit(self.df, self.level / 2))

    @property
    def margin(self) -> Array:
        """Half the width of the interval."""
        return np.asarray(self.critical * self.standard_error)

    @property
    def low(self) -> Array:
        return self.mean - self.margin

    @property
    def high(self) -> Array:
        return self.mean + self.margin

    @property
    def excludes_zero(self) -> NDArray[np.bool_]:
        """Whether the interval does."""
        return np.asarray((self.low > 0) | (self.high < 0))

    @property
    def p(self) -> Array:
        """Two-sided p-value of "the true mean is 0"; 1 if nothing ever differed, NaN if the error is unknown."""
        never = (self.mean == 0) & (self.standard_error == 0)
        t = np.abs(self.mean) / np.where(never, 1.0, self.standard_error)
        return np.asarray(2 * special.stdtr(self.df, -t))


def one_sample_t(values: ArrayLike) -> Estimate:
    """Mean of ``values (..., n)`` over n repeats; of paired differences, this is the paired t-test.

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
    agreeing = np.abs(mean) / agreeing_quantile(n) * np.sqrt(n)
    spread = np.where(np.sqrt(variance) < ROUNDING, agreeing, np.sqrt(variance))
    return Estimate(mean, spread / np.sqrt(n), df)


def repeated_mean(values: ArrayLike) -> Estimate:
    """Mean of ``values (..., n)`` over n repeats, of what is no difference: 0 has no meaning then.

    Where all n are the same, as for a task without a mistake, the error is NaN: they do not tell how far they may vary.
    """
    estimate = one_sample_t(values)
    alike = np.ptp(np.asarray(values, float), axis=-1) < ROUNDING if np.size(values) else False
    return replace(estimate, standard_error=np.where(alike, np.nan, estimate.standard_error))


def agreeing_quantile(n: int, df: float | None = None) -> float:
    """What t must be, with n - 1 degrees of freedom or as given, for the p-value of the sign test of n equal signs."""
    return float(-special.stdtrit(n - 1 if df is None else df, 2.0**-n))


def two_way(values: ArrayLike) -> Estimate:
    """Mean of ``values (..., n, m)`` over n repeats and the m samples of one fixed test part.

    The model is ``x_ij = μ + a_i + b_j + e_ij`` (repeat, sample, rest, all random), so that the interval
    speaks of new seeds and of new test samples. With the mean squares A (repeats), B (samples), E (rest):

        standard_error² = (A + B - E) / (n m),   df = standard_error⁴ / Σ (term² / its df)

    That is Owen's "variance over seeds / n + variance over samples / m" less E/(n m), which that sum counts twice. The
    error is never below that of repeats alone or of samples alone, and where every value is the same it is that of
    `one_sample_t`.
    """
    x = np.asarray(values, float)
    n, m = x.shape[-2:]
    if n < 2 or m < 2:
        return one_sample_t(x.mean(-1))
    a, b, e = _mean_squares(x)
    terms = np.stack([a, b, -e]) / (n * m)
    variance = np.maximum(terms.sum(0), terms[:2].max(0))
    doubt = terms[0] ** 2 / (n - 1) + terms[1] ** 2 / (m - 1) + terms[2] ** 2 / ((n - 1) * (m - 1))
    df = np.divide(variance**2, doubt, out=np.full(variance.shape, float(n - 1)), where=doubt > 0)
    constant, alike = np.sqrt(variance) < ROUNDING, one_sample_t(x.mean(-1))
    standard_error = np.where(constant, alike.standard_error, np.sqrt(variance))
    return Estimate(x.mean((-1, -2)), standard_error, np.where(constant, alike.df, np.clip(df, n - 1, None)))


def sample_variance(values: ArrayLike) -> Array:
    """What the m samples that n repeats share add to the variance of the mean of ``values (..., n, m)``.

    ``(B - E) / (n m)`` of `two_way`, at least 0: what is left of it without the repeats' own part.
    """
    x = np.asarray(values, float)
    _, b, e = _mean_squares(x)
    return np.asarray(np.maximum(b - e, 0.0) / (x.shape[-2] * x.shape[-1]))


def by_group(values: ArrayLike, groups: ArrayLike) -> Array:
    """Values (..., M) of samples as (..., G) of the groups (M,) that count as one sample each, with the same mean.

    A group's value is ``mean + (sum of its samples - their number · mean) G / M``: the spread between these is that of
    a ratio of group sums (Cochran, "Sampling techniques", 1977, section 3.12). Groups of one change nothing.
    """
    x = np.asarray(values, float)
    _, number, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    mean = x.mean(-1, keepdims=True)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    sums = np.add.reduceat((x - mean)[..., np.argsort(number, kind="stable")], starts, axis=-1)
    return np.asarray(mean + sums * len(sizes) / x.shape[-1])


def _mean_squares(x: Array) -> tuple[Array, Array, Array]:
    """Of (..., n, m): that of repeats, of samples and of the rest."""
    n, m = x.shape[-2:]
    rows, columns = x.mean(-1), x.mean(-2)
    rest = x - rows[..., None] - columns[..., None, :] + x.mean((-1, -2))[..., None, None]
    e = (rest**2).sum((-1, -2)) / ((n - 1) * (m - 1))
    return m * rows.var(-1, ddof=1), n * columns.var(-1, ddof=1), e
