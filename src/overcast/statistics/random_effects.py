"""What effects that were measured on several data sets say in general: the data sets as a random effect.

Of data set j of k an effect is known with an error of its own, and the true effects vary from data set to data set::

    y_j = μ + u_j + e_j,    Var(u_j) = τ²,    Var(e_j) = s_j²

μ is the effect in general; it speaks of data sets like these, as if they were drawn at random from all such. Every data
set counts alike, so that the spread S of the y_j has both variances in it, and neither interval rests on an s_j, which
five folds tell badly: S / √k is the error of the mean, and S √(1 + 1/k) that of what one more data set will show.
Weights of 1 / (s_j² + τ²) make intervals little narrower, and too narrow (``python benchmarks/random_effects.py``).

- τ², the moments of S²: Hedges, "A random effects model for effect sizes", 1983.
- what is to be expected of a new data set belongs beside the mean: Higgins, Thompson & Spiegelhalter, "A re-evaluation
  of random-effects meta-analysis", 2009; IntHout et al., "Plea for routinely presenting prediction intervals in
  meta-analysis", 2016.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from overcast.statistics.estimates import ALPHA, Array, Estimate, one_sample_t

MIN_DATA_SETS = 3
"""With fewer, next to nothing is known of how far data sets are apart."""


@dataclass(frozen=True)
class RandomEffects:
    """mean: μ of each effect (...), with k - 1 df. between_variance: τ². data_sets: k."""

    mean: Estimate
    between_variance: Array
    data_sets: int

    def interval(self, level: float = ALPHA) -> Estimate:
        """μ; each interval misses it with probability ``level``."""
        return replace(self.mean, level=level)

    def prediction(self, level: float = ALPHA) -> Estimate:
        """What one more data set, with an error like those of these, will show: missed with probability ``level``.

        Its true effect is inside at least as often.
        """
        return replace(self.mean, standard_error=self.mean.standard_error * np.sqrt(self.data_sets + 1), level=level)


def random_effects(effects: ArrayLike, standard_errors: ArrayLike) -> RandomEffects:
    """What effects (..., k) with these standard errors say in general; NaN with fewer than `MIN_DATA_SETS`."""
    y, s = np.asarray(effects, float), np.asarray(standard_errors, float)
    k = y.shape[-1]
    mean = one_sample_t(y)
    if k < MIN_DATA_SETS:
        unknown = np.full(mean.mean.shape, np.nan)
        return RandomEffects(replace(mean, standard_error=unknown), unknown, k)
    return RandomEffects(mean, np.maximum(k * mean.standard_error**2 - (s**2).mean(-1), 0.0), k)
