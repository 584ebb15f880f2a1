"""Many treatments against one control, paired by fold: intervals that all hold together.

The unit is the fold: a treatment's difference to the control in a fold is the mean over the seeds that both have there.
With d_ck of treatment c in fold k, C treatments and K folds, a difference has the variance ::

    Var(d_c) = m + s² (1 - 1/C),    m = variance over folds of (mean of all treatments − control),
                                    s² = mean square of the treatments' fold × treatment residuals

The control's own noise, and whatever all treatments share and it lacks, is measured in m; only what tells treatments
apart is pooled. Pooling the control's residuals too (as Dunnett's test in randomised blocks does) would name a
difference in 9 to 13 % of null studies where the control is half as noisy again as the rest. Where a treatment's own
variance over folds is larger than the pooled one, it is taken: so a single noisy treatment is not judged by its calm
neighbours. The larger of the two keeps the family-wise error below 6 % for equal and unequal variances alike, at a
median width 1 to 9 % above that of the pooled one (``python benchmarks/error_rates.py``, docs/statistics.md).

- simultaneous intervals against a control: Dunnett, "A multiple comparison procedure for comparing several treatments
  with a control", 1955; several families of them at once: Šidák, "Rectangular confidence regions", 1967.
- degrees of freedom of a sum of mean squares: Satterthwaite, 1946.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from overcast.statistics.estimates import ALPHA, ROUNDING, Array, Estimate, agreeing_quantile

MAX_CORRELATION = 0.95
"""Of two treatments' differences: nearer to 1, the quadrature over the control's noise is no longer exact."""

_Z, _Z_WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
_Z, _Z_WEIGHTS = _Z[20:], _Z_WEIGHTS[20:] * np.where(np.arange(21), 2, 1) / np.sqrt(2 * np.pi)  # the same on both sides
_V, _V_WEIGHTS = np.polynomial.legendre.leggauss(24)
_V, _V_WEIGHTS = (_V + 1) / 2, _V_WEIGHTS / 2
_LEVELS, _LEVEL_WEIGHTS = _V**3, 3 * _V**2 * _V_WEIGHTS  # dense near 0: intervals are missed where the error is small


@dataclass(frozen=True)
class ControlComparison:
    """C treatments against one control in one outcome.

    mean, standard_error, n_folds: (C,), NaN error with fewer than 2 folds. df: of the error. correlation: between two
    treatments' differences, by way of the control. fold_variance, (C,), and seed_variance: of one run's difference,
    between folds, and between seeds of a fold, pooled (NaN with one seed a fold). common: the covariance of two folds,
    which is part of every standard error², as is sample_variance, (C,): by way of the samples of a test part that all
    folds share. seeds: a fold.
    """

    mean: Array
    standard_error: Array
    n_folds: NDArray[np.int64]
    df: float
    correlation: float
    fold_variance: Array
    seed_variance: float
    common: float
    sample_variance: Array
    seeds: int

    @property
    def compared(self) -> NDArray[np.bool_]:
        """Which have an interval."""
        return np.isfinite(self.standard_error)

    @property
    def shared(self) -> Array:
        """(C,) the part of every standard error² that neither more folds nor more seeds make smaller."""
        return self.common + self.sample_variance

    def error(self, folds: int, seeds: ArrayLike) -> Array:
        """(..., C) the standard errors with so many folds and seeds a fold, one number or (..., 1).

        ``√((φ² + σ²/R) / K + shared)``. With one seed a fold, φ² and σ² are not told apart, and all is taken for σ².
        """
        one_seed = np.isnan(self.seed_variance)
        of_fold, of_seed = (0.0, self.fold_variance) if one_seed else (self.fold_variance, self.seed_variance)
        return np.sqrt((of_fold + of_seed / np.asarray(seeds)) / folds + self.shared)

    def after(self, folds: int) -> ControlComparison:
        """As it would stand after so many folds, all other things being equal: error and degrees of freedom."""
        n = max(int(self.n_folds.max(initial=0)), 2)
        error = np.where(self.compared, self.error(folds, max(self.seeds, 1)), np.nan)
        return replace(self, standard_error=error, df=self.df * (folds - 1) / (n - 1))

    def interval(self, level: float) -> Estimate:
        """The estimates with intervals of which each misses its own truth with this probability."""
        return Estimate(self.mean, self.standard_error, np.full(self.mean.shape, self.df), level)


def compare_with_control(
    differences: ArrayLike, common_ratio: float = 0.0, sample_variance: ArrayLike = 0.0
) -> ControlComparison:
    """How far C treatments are from their control.

    differences: (C, K, R) of treatment and control in the same fold with the same seed; NaN where either is missing.
    common_ratio: the covariance of two folds over the variance of one run's difference (see `fold_covariance`); 0 for
    what holds on these folds only. sample_variance: (C,) of the mean by way of a test part that all folds share.
    """
    runs = np.asarray(differences, float)
    runs = np.where(np.abs(runs) < ROUNDING, 0.0, runs)
    if not runs.size:
        empty = np.empty(0)
        return ControlComparison(empty, empty, empty.astype(np.int64), 1.0, 0.5, empty, np.nan, 0.0, empty, 0)
    known = np.isfinite(runs)
    seeds = known.sum(2)  # (C, K)
    folds = mean_of_known(runs)
    n_folds = (seeds > 0).sum(1)
    mean = mean_of_known(folds)
    of_fold, df, correlation = _fold_variances(folds, n_folds)
    per_fold = float(np.median(seeds[seeds > 0])) if (seeds > 0).any() else 0.0
    pooled = float(np.nanmean(of_fold)) if np.isfinite(of_fold).any() else np.nan
    of_seed = _seed_variance(runs, known)
    single = pooled + (0.0 if np.isnan(of_seed) else of_seed * (1 - 1 / max(per_fold, 1)))
    common = common_ratio * single if np.isfinite(single) else 0.0
    samples = np.broadcast_to(np.asarray(sample_variance, float), mean.shape)
    variance = of_fold / np.maximum(n_folds, 1) + common + samples
    fold_variance = of_fold if np.isnan(of_seed) else np.maximum(of_fold - of_seed / per_fold, 0.0)
    return ControlComparison(
        mean, np.sqrt(variance), n_folds, df, correlation, fold_variance, of_seed, common, samples, round(per_fold)
    )


def mean_of_known(values: Array) -> Array:
    """Over the last axis, of what is no NaN; NaN where nothing is known."""
    known = np.isfinite(values)
    count, total = known.sum(-1), np.where(known, values, 0.0).sum(-1)
    return np.asarray(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))


def _fold_variances(folds: Array, n_folds: NDArray[np.int64]) -> tuple[Array, float, float]:
    """Of fold means (C, K): the variance (C,) of each treatment's, its df, and the correlation of two treatments.

    Where cells are missing, fold and treatment effects are fitted by least squares, and 1/C is the mean over folds of
    one over the treatments there.
    """
    some, known = n_folds >= 2, np.isfinite(folds)
    squares = np.where(known, folds - mean_of_known(folds)[:, None], 0.0) ** 2
    own = np.where(some, squares.sum(1) / np.maximum(n_folds - 1, 1), np.nan)
    here = known[some][:, known[some].any(0)]
    rows = np.where(here, folds[some][:, known[some].any(0)], 0.0)
    counts = here.sum(1, keepdims=True)
    rows = np.where(here, rows - rows.sum(1, keepdims=True) / counts, 0.0)
    equations = np.diag(here.sum(0)) - here.T @ (here / counts)  # of the fold effects, treatment effects eliminated
    effects, _, rank, _ = np.linalg.lstsq(equations, rows.sum(0))
    rank = int(rank)
    rest = int(here.sum()) - len(here) - rank
    if len(here) < 2 or rest < 1:  # one treatment, or treatments that ran in different folds
        df, correlation = float(max(n_folds[some].min() - 1 if some.any() else 1, 1)), 0.0
        return _never_zero(own, folds, n_folds), df, correlation
    centre = float(effects @ effects) / rank
    residuals = np.where(here, rows - effects + (here @ effects)[:, None] / counts, 0.0)
    apart = float((residuals**2).sum() / rest)
    share = float((1 / here.sum(0)).mean())
    pooled = centre + apart * (1 - share)
    if pooled < ROUNDING**2:
        return _never_zero(own, folds, n_folds), float(rank), 0.0
    df = pooled**2 / (centre**2 / rank + (apart * (1 - share)) ** 2 / rest)
    correlation = float(np.clip((centre - apart * share) / pooled, 0.0, MAX_CORRELATION))
    return np.where(some, np.maximum(own, pooled), np.nan), float(df), correlation


def _never_zero(own: Array, folds: Array, n_folds: NDArray[np.int64]) -> Array:
    """Variances (C,) of their own, but where n differences are all the same and not 0.

    There the variance says nothing. It is then the one for which the t-test gives the p-value of the sign test,
    ``2^(1-n)``: the most that n agreeing signs can prove.
    """
    variances = own.copy()
    for c, (row, n) in enumerate(zip(folds, n_folds, strict=True)):
        if n >= 2 and own[c] < ROUNDING**2:
            variances[c] = n * (np.nanmean(row) / agreeing_quantile(int(n))) ** 2
    return variances


def _seed_variance(runs: Array, known: NDArray[np.bool_]) -> float:
    """The variance of one run's difference between the seeds of a fold, pooled over treatments and folds."""
    several = known.sum(2) >= 2
    if not several.any():
        return float("nan")
    with np.errstate(invalid="ignore"):
        variances = np.nanvar(np.where(known, runs, np.nan)[several], axis=1, ddof=1)
    weights = known.sum(2)[several] - 1
    return float((variances * weights).sum() / weights.sum())


def joint_coverage(level: float, count: int, df: float, correlation: float) -> float:
    """The probability that ``count`` intervals of one error, each missed with probability ``level``, all hold.

    Differences to one control are ``√ρ z0 + √(1-ρ) z_c`` over one common error with ``df`` degrees of freedom:
    integrated over z0 and the error (Dunnett 1955).
    """
    bound = -special.stdtrit(df, level / 2) * np.sqrt(special.chdtri(df, 1 - _LEVELS) / df)[:, None]  # (errors, 1)
    shared, own = np.sqrt(correlation) * _Z, np.sqrt(1 - correlation)
    inside = special.ndtr((shared + bound) / own) - special.ndtr((shared - bound) / own)
    return float(_LEVEL_WEIGHTS @ (inside**count @ _Z_WEIGHTS))


def simultaneous_level(comparisons: Sequence[ControlComparison], alpha: float = ALPHA) -> float:
    """`joint_level` of a family: comparisons of each outcome with each control."""
    return joint_level([(int(each.compared.sum()), each.df, each.correlation) for each in comparisons], alpha)


def joint_level(parts: Sequence[tuple[int, float, float]], alpha: float = ALPHA) -> float:
    """What each interval of a family may miss with, so that all of them hold with probability 1 - ``alpha``.

    parts: of those that share an error how many they are, its degrees of freedom and their correlation, as in
    `joint_coverage`. Several parts are taken to be independent, which is on the safe side (Šidák 1967).
    """
    parts = [part for part in parts if part[0]]
    total = sum(count for count, _, _ in parts)
    if total <= 1:
        return alpha

    def excess(log_level: float) -> float:
        """Nearly a straight line, so that few steps find its root."""
        missed = 1 - np.prod([joint_coverage(np.exp(log_level), *part) for part in parts])
        return float(np.log(missed / alpha))

    return float(np.exp(optimize.brentq(excess, np.log(alpha / total / 4), np.log(alpha), xtol=1e-4)))
