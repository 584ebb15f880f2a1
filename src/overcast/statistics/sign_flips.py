"""Whether anything differs, by resampling: the signs of whole folds' differences flipped.

Westfall & Young, "Resampling-based multiple testing", 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from overcast.statistics.estimates import ROUNDING, Array

MIN_FLIPPED_FOLDS = 8
"""With fewer folds, too few patterns of signs can be told apart."""
MAX_FLIPS = 4096


def sign_flip_p(differences: Sequence[ArrayLike]) -> list[Array]:
    """Adjusted p-values of a family by flipping the signs of whole folds: of each (C, K), a (C,).

    differences: fold means of each outcome or context; all have the same K folds, at least `MIN_FLIPPED_FOLDS`, and no
    NaN. If nothing differs, a fold's differences are as likely to have all their signs changed: p is the share of
    patterns, all 2^(K-1) or `MAX_FLIPS` random ones, in which the largest studentised mean of the family is as large.
    """
    arrays = [np.asarray(each, float) for each in differences]
    stacked = np.concatenate(arrays)  # (C, K)
    k = stacked.shape[1]
    signs = _sign_patterns(k)
    means = signs @ stacked.T / k  # (flips, C)
    squares = (stacked**2).mean(1)
    spread = np.sqrt(np.maximum(squares - means**2, ROUNDING**2))
    t = np.abs(means) / spread
    largest = t.max(1)
    p = (largest[:, None] >= t[0] * (1 - 1e-12)).mean(0)
    return np.split(p, np.cumsum([len(each) for each in arrays])[:-1])


@cache
def _sign_patterns(k: int) -> Array:
    """(patterns, K), the first of which changes no sign. A pattern and its opposite are one where all are listed."""
    if 2 ** (k - 1) <= MAX_FLIPS:
        return np.array([(1, *rest) for rest in product((1, -1), repeat=k - 1)], float)
    signs = np.random.default_rng(0).choice([1.0, -1.0], (MAX_FLIPS, k))
    signs[0] = 1
    return signs
