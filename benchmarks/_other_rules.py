"""Rules for intervals against one control that were tried and not taken, on thousands of studies at once.

Each takes the fold means of complete studies, differences to the control of (N studies, C treatments, K folds).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from scipy import optimize, special, stats

from _families import Array, Scenario, draw
from overcast.statistics.estimates import ALPHA, one_sample_t
from overcast.statistics.simultaneous import (
    MAX_CORRELATION,
    compare_with_control,
    joint_coverage,
    simultaneous_level,
)

_Z, _Z_WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
_Z_WEIGHTS = _Z_WEIGHTS / np.sqrt(2 * np.pi)
_V, _V_WEIGHTS = np.polynomial.legendre.leggauss(24)
_V, _V_WEIGHTS = (_V + 1) / 2, _V_WEIGHTS / 2


@dataclass(frozen=True)
class Errors:
    """Of N studies: standard errors (N, C), their df and the correlation of two treatments (N,).

    separate: each treatment's error is of its own data, not one for all of them.
    """

    standard_error: Array
    df: Array
    correlation: Array
    separate: bool = False


def pooled(folds: Array) -> Errors:
    """Treatments' residuals are pooled; the control's noise is measured in the mean of all treatments (the core's)."""
    of_centre, of_treatments = _mean_squares(folds)
    count, k = folds.shape[1:]
    apart = of_treatments * (1 - 1 / count)
    variance = of_centre + apart
    df = variance**2 * (k - 1) / (of_centre**2 + apart**2 / (count - 1))
    correlation = np.clip((of_centre - of_treatments / count) / variance, 0, MAX_CORRELATION)
    return Errors(np.sqrt(variance / k)[:, None] + np.zeros(count), df, correlation)


def control_pooled_too(folds: Array) -> Errors:
    """Dunnett's test in randomised blocks: one residual mean square of treatments and control."""
    n, count, k = folds.shape
    residuals = _residuals(np.concatenate([np.zeros((n, 1, k)), folds], 1))
    mean_square = (residuals**2).sum((1, 2)) / (count * (k - 1))
    error = np.sqrt(2 * mean_square / k)[:, None] + np.zeros(count)
    return Errors(error, np.full(n, float(count * (k - 1))), np.full(n, 0.5))


def own_variances(folds: Array) -> Errors:
    """Each treatment's differences by themselves, after Hasler & Hothorn 2008, with separate errors."""
    n, _, k = folds.shape
    correlation = pooled(folds).correlation
    return Errors(np.sqrt(folds.var(2, ddof=1) / k), np.full(n, k - 1.0), correlation, separate=True)


def cell_variances(folds: Array) -> Errors:
    """Variances of each treatment and of the control, told apart by residuals (Grubbs 1948); none below a tenth."""
    count, k = folds.shape[1:]
    of_centre, of_treatments = _mean_squares(folds)
    squares = (_residuals(folds) ** 2).sum(2) / (k - 1)
    total = squares.sum(1, keepdims=True) / (1 - 1 / count)
    of_each = np.maximum((squares - total / count**2) / (1 - 2 / count), 0.1 * total / count)
    of_control = np.maximum(of_centre - of_each.sum(1) / count**2, 0.05 * of_treatments)[:, None]
    variance = of_control + of_each
    df = np.median(variance**2 * (k - 1) / (of_control**2 + of_each**2), 1)
    correlation = np.clip((of_control / variance).mean(1), 0, MAX_CORRELATION)
    return Errors(np.sqrt(variance / k), df, correlation, separate=True)


RULES = {
    "pooled": pooled,
    "control pooled too": control_pooled_too,
    "own variances": own_variances,
    "cell variances": cell_variances,
}
PRE_TEST = "pre-test"
"""Own variances where Bartlett's test finds the treatments' unequal at 5 %, pooled ones elsewhere."""


def variances_differ(folds: Array) -> Array:
    """(N,), Bartlett's test on the treatments' residuals."""
    count, k = folds.shape[1:]
    df = (k - 1) * (count - 1) / count
    variances = (_residuals(folds) ** 2).sum(2) / df
    statistic = df * (count * np.log(variances.mean(1)) - np.log(variances).sum(1))
    correction = 1 + (count + 1) / (3 * count * df)
    return np.asarray(stats.chi2.sf(statistic / correction, count - 1) < ALPHA)


def _residuals(folds: Array) -> Array:
    return np.asarray(
        folds - folds.mean(1, keepdims=True) - folds.mean(2, keepdims=True) + folds.mean((1, 2))[:, None, None]
    )


def _mean_squares(folds: Array) -> tuple[Array, Array]:
    """(N,) each: the variance over folds of the treatments' mean, and the mean square of their residuals."""
    count, k = folds.shape[1:]
    return folds.mean(1).var(1, ddof=1), (_residuals(folds) ** 2).sum((1, 2)) / ((count - 1) * (k - 1))


def half_widths(errors: Errors, alpha: float = ALPHA) -> Array:
    """(N, C), so that all intervals of a study hold with probability 1 - ``alpha``."""
    n, count = errors.standard_error.shape
    quantiles = np.empty(n)
    for i, (df, correlation) in enumerate(zip(errors.df, errors.correlation, strict=True)):
        quantiles[i] = _quantile(float(f"{df:.2g}"), round(float(correlation), 2), count, errors.separate, alpha)
    return errors.standard_error * quantiles[:, None]


@cache
def _quantile(df: float, correlation: float, count: int, separate: bool, alpha: float) -> float:
    covers = _separate_coverage if separate else joint_coverage

    def excess(log_level: float) -> float:
        return float(np.log((1 - covers(np.exp(log_level), count, df, correlation)) / alpha))

    level = np.exp(optimize.brentq(excess, np.log(alpha / count / 4), np.log(alpha), xtol=1e-3))
    return float(stats.t.isf(level / 2, df))


def _separate_coverage(level: float, count: int, df: float, correlation: float) -> float:
    """`joint_coverage` where each treatment has an independent error of its own."""
    bound = stats.t.isf(level / 2, df) * np.sqrt(special.chdtri(df, 1 - _V**3) / df)[:, None]
    shared, own = np.sqrt(correlation) * _Z, np.sqrt(1 - correlation)
    inside = special.ndtr((shared + bound) / own) - special.ndtr((shared - bound) / own)
    return float((3 * _V**2 * _V_WEIGHTS @ inside) ** count @ _Z_WEIGHTS)


def pooled_half_widths(differences: Array, given: float) -> Array:
    """Of `pooled` on complete studies (N, outcomes, C, K, R), widened for what folds share as the core's are."""
    n_outcomes, _, k = differences.shape[1:4]
    alpha = 1 - (1 - ALPHA) ** (1 / n_outcomes)
    widths = [half_widths(pooled(differences[:, i].mean(3)), alpha) for i in range(n_outcomes)]
    return np.asarray(np.stack(widths) * np.sqrt(1 + given * k))


def earlier_half_widths(differences: Array) -> Array:
    """The mean difference that Holm's first step asks for, runs being repeats whose train parts overlap.

    By Nadeau & Bengio (2003) the variance of their mean is ``s² (1/n + ρ/(1-ρ))``, ρ being test ÷ (test + train).
    """
    n, n_outcomes, count, k, seeds = differences.shape
    plain, rho = one_sample_t(differences.reshape(n, n_outcomes, count, k * seeds)), 1 / k
    wider = np.sqrt(1 + k * seeds * rho / (1 - rho))
    return np.asarray(plain.standard_error * wider * stats.t.isf(ALPHA / (count * n_outcomes) / 2, plain.df))


def rules_table(
    in_processes: Callable[..., Iterator[Any]], scenarios: Sequence[Scenario], studies: int
) -> Iterator[str]:
    """Family-wise error of each rule, and its median half-width over that of the pooled one."""
    plain = [
        each
        for each in scenarios
        if each.seeds == each.outcomes == 1 and not (each.covariance or each.accuracy or each.missing)
    ]
    names = ["taken", *RULES, PRE_TEST]
    yield "| scenario | treatments × folds | " + " | ".join(names) + " |"
    yield "|" + "---|" * (2 + len(names))
    for scenario, cells in zip(plain, in_processes(partial(compare_rules, studies=studies), plain), strict=True):
        yield f"| {scenario.name} | {scenario.treatments} × {scenario.folds} | {' | '.join(cells)} |"


def compare_rules(scenario: Scenario, studies: int) -> list[str]:
    """Of each rule, its error and its width."""
    truth, generator = np.zeros(scenario.treatments), scenario.generator
    folds = np.array([draw(scenario, truth, generator)[0, :, :, 0] for _ in range(studies)])
    widths = {name: half_widths(rule(folds)) for name, rule in RULES.items()}
    unequal = variances_differ(folds)[:, None]
    widths[PRE_TEST] = np.where(unequal, widths["own variances"], widths["pooled"])
    widths = {"taken": np.array([taken_half_widths(each) for each in folds]), **widths}
    narrow = np.median(widths["pooled"])
    errors = {name: (np.abs(folds.mean(2)) > width).any(1).mean() for name, width in widths.items()}
    return [f"{errors[name]:.1%} ({np.median(width) / narrow:.2f})" for name, width in widths.items()]


def taken_half_widths(folds: Array) -> Array:
    """Of one study, as the core does it."""
    comparison = compare_with_control(folds[..., None])
    return comparison.interval(simultaneous_level([comparison])).margin
