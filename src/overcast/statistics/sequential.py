"""Looking at a study before it is whole: when, with which error, and what need not go on.

Looks are whole blocks of folds, planned before the first trial. The family's error is spent on them by a function of
the fraction of the planned folds (Lan & DeMets, "Discrete sequential boundaries for clinical trials", 1983; the power
family of Kim & DeMets, 1987), and each look's intervals hold together at what it spends: by Bonferroni over the looks,
so that the whole stays below the family's error whatever is stopped, and whenever the study ends. Comparisons that
cannot be decided any more are dropped by conditional power (Lan, Simon & Halperin, "Stochastically curtailed tests in
long-term clinical trials", 1982); nothing is gained in error by that, so it may be overruled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overcast.statistics.estimates import ALPHA, Array
from overcast.statistics.simultaneous import ControlComparison

FIRST_LOOK = 4
"""Folds: with fewer, no error is known well enough to stop by."""
STEP = 2
"""Folds from one look to the next."""
SPENDING = 2.0
"""The power of the fraction: late looks get the most."""
FUTILE = 0.2
"""A comparison that will be decided with less probability than this, if it goes on as it began, stops."""


def planned_looks(folds: int) -> list[int]:
    """After how many folds a study of so many is looked at; the last time when it is whole."""
    return sorted({*range(FIRST_LOOK, folds, STEP), folds})


def spent(looks: Sequence[int], alpha: float = ALPHA) -> list[float]:
    """What each look may err with: they sum to ``alpha`` at the last one, which is all planned folds."""
    fractions = np.array([0, *looks]) / looks[-1]
    errors: list[float] = np.diff(alpha * fractions**SPENDING).tolist()
    return errors


def conditional_power(comparison: ControlComparison, folds: int, margin: float, level: float) -> Array:
    """(C,) how probably each comparison is decided after all ``folds``, if it goes on as it began.

    The mean over all folds is normal around today's, with the variance of those to come; decided is an interval that
    excludes zero or lies inside ± ``margin``, and as narrow as it will be then: with the error and the degrees of
    freedom of all folds, and missing with probability ``level``: what an interval of the last look misses with.
    """
    n = np.maximum(comparison.n_folds, 1)
    seeds = max(comparison.seeds, 1)
    of_fold = np.maximum(comparison.error(1, seeds) ** 2 - comparison.shared, 0.0)
    to_come = np.sqrt(of_fold * np.maximum(folds - n, 0)) / folds
    half_width = comparison.after(folds).interval(level).margin

    def below(bound: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (bound - comparison.mean) / to_come
        return np.asarray(np.where(to_come > 0, special.ndtr(z), bound >= comparison.mean), float)

    outside = below(-half_width) + 1 - below(half_width)
    room = np.maximum(margin - half_width, 0.0)
    inside = np.where(margin > half_width, below(room) - below(-room), 0.0)
    both = np.where(room > half_width, below(room) - below(half_width) + below(-half_width) - below(-room), 0.0)
    return np.asarray(np.where(np.isfinite(to_come), outside + inside - both, 0.0))


def futile(comparison: ControlComparison, folds: int, margin: float, level: float) -> NDArray[np.bool_]:
    """(C,) which comparisons need not go on, by `conditional_power`."""
    return conditional_power(comparison, folds, margin, level) < FUTILE
