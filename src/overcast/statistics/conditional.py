"""How a difference comes out on these very data: from each sample's own difference, every one predicted once.

The claim is about the folds' models as they were trained here, averaged over samples like these; nothing is said of
models trained on other data. Cross-validation's mean loss is normal around that target with the samples' variance
(Bayle, Bayle, Janson & Mackey, "Cross-validation confidence intervals for test error", 2020).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overcast.statistics.estimates import Array, Estimate


def clustered_mean(values: ArrayLike, groups: ArrayLike, level: float) -> Estimate:
    """The mean of ``values`` (N,), whose standard error counts every group (N,) of samples as one.

    The variance is that of a ratio of cluster sums (Cochran, "Sampling techniques", 1977, section 3.12), with G - 1
    degrees of freedom for G groups; the interval misses with probability ``level``.
    """
    x = np.asarray(values, float)
    sums = group_sums(x - x.mean(), groups)
    count = len(sums)
    variance = count / max(count - 1, 1) * (sums**2).sum() / len(x) ** 2 if count > 1 else np.nan
    return Estimate(np.asarray(x.mean()), np.asarray(np.sqrt(variance)), np.asarray(float(max(count - 1, 1))), level)


def group_sums(values: Array, groups: ArrayLike) -> Array:
    """(G,) the sum of the values of each group."""
    _, number = np.unique(np.asarray(groups), return_inverse=True)
    sums: Array = np.bincount(number, weights=values).astype(np.float64)
    return sums
