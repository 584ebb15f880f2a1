"""Split conformal prediction: sets of classes that hold the true one as often as was asked for.

Vovk, Gammerman & Shafer, "Algorithmic Learning in a Random World", 2005; for classes Sadinle, Lei & Wasserman, "Least
Ambiguous Set-Valued Classifiers With Bounded Error Levels", 2019. What is promised is the mean over samples that are
exchangeable with the calibration part: not for every class, and not for a speaker who is in none of its recordings.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from overcast.statistics.estimates import ALPHA


def conformal_threshold(true_probabilities: np.ndarray, alpha: float) -> float:
    """The least probability of a class that is in the set: sets miss the true class at a rate of ``alpha`` at most.

    true_probabilities: (n,) of the true class of each sample of the calibration part. Of the scores 1 − p it is the
    ⌈(n + 1)(1 − alpha)⌉-th smallest; where n is too small for that, 0, and every class is in every set.
    """
    n = len(true_probabilities)
    rank = math.ceil(round((n + 1) * (1 - alpha), 9))  # 0.9 · 10 is 9, whatever rounding makes of it
    return float(np.sort(true_probabilities)[n - rank]) if rank <= n else 0.0


def clopper_pearson(successes: int, trials: int, level: float = ALPHA) -> tuple[float, float]:
    """The exact interval of a proportion, which misses with probability ``level`` at most (Clopper & Pearson 1934)."""
    low = special.betaincinv(successes, trials - successes + 1, level / 2) if successes else 0.0
    high = special.betaincinv(successes + 1, trials - successes, 1 - level / 2) if successes < trials else 1.0
    return float(low), float(high)
