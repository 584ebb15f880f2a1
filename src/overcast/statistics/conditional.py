"""How a difference comes out on these very data: from each sample's own difference, every one predicted once.

The claim is about the folds' models as they were trained here, averaged over samples like these; nothing is said of
models trained on other data. Cross-validation's mean loss is normal around that target with the samples' variance
(Bayle, Bayle, Janson & Mackey, "Cross-validation confidence intervals for test error", 2020).
"""

from __future__ import annotations

from dataclasses import replace

from numpy.typing import ArrayLike

from overcast.statistics.estimates import Estimate, by_group, one_sample_t


def clustered_mean(values: ArrayLike, groups: ArrayLike, level: float) -> Estimate:
    """The mean of ``values`` (N,), whose standard error counts every group (N,) of samples as one (`by_group`).

    With G - 1 degrees of freedom for G groups; the interval misses with probability ``level``.
    """
    return replace(one_sample_t(by_group(values, groups)), level=level)
