"""Are two samples from one distribution? Distances between them, their tests, and a correction for many of these.

- of numbers: Kolmogorov & Smirnov's distance D, the largest between the two empirical distribution functions (Smirnov
  1939): at some value, so large a share of one sample would have to move to make it the other.
- of classes: total variation, the share of one sample that would need another class; tested by Pearson's chi-square.
- Holm, "A simple sequentially rejective multiple test procedure", 1979: whatever depends on what, the chance of any
  false alarm is at most the level.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

LEAST_EXPECTED = 5.0
"""Of a class in either sample, for the chi-square distribution to hold (Cochran 1954): rarer ones are taken as one."""


class Difference(NamedTuple):
    """distance: from 0 to 1. p: of the test that there is none in the population."""

    distance: float
    p: float


def kolmogorov_smirnov(a: np.ndarray, b: np.ndarray) -> Difference:
    """Of numbers (N,) and (M,), by the asymptotic distribution; where there are ties, p is too large."""
    found = stats.ks_2samp(a, b, method="asymp")
    return Difference(float(found.statistic), float(found.pvalue))


def total_variation(a: np.ndarray, b: np.ndarray) -> Difference:
    """Of counts (K,) of the same classes."""
    distance = float(np.abs(a / a.sum() - b / b.sum()).sum() / 2)
    table = _pooled(np.stack([a, b]))
    if table.shape[1] < 2:
        return Difference(distance, 1.0)
    return Difference(distance, float(stats.chi2_contingency(table, correction=False).pvalue))


def _pooled(table: np.ndarray) -> np.ndarray:
    """Counts (2, K) with the rarest classes added up until `LEAST_EXPECTED` of each are expected."""
    table = table[:, np.argsort(table.sum(0), kind="stable")]
    share = table.sum(1).min() / table.sum()
    while table.shape[1] > 1 and table[:, 0].sum() * share < LEAST_EXPECTED:
        table = np.concatenate([table[:, :2].sum(1, keepdims=True), table[:, 2:]], 1)
        table = table[:, np.argsort(table.sum(0), kind="stable")]
    return table


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p values (N,): those below a level are rejected at it."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def detectable_distance(n: int, m: int, level: float) -> float:
    """The D of samples of n and m from which on it is significant at a level, by Smirnov's asymptotic formula."""
    return float(min(1.0, np.sqrt(-np.log(level / 2) / 2 * (n + m) / (n * m))))
