"""What the folds of one data set have in common, which no number of folds or seeds averages away.

Folds share most of their training data, and all are parts of one data set: their paired differences covary. For
differences ``d_jkr`` of data set j, fold k and seed r::

    d_jkr = δ + c_j + f_jk + s_jkr,    Var(mean over K folds and R seeds) = γ + φ²/K + σ²/(K R)

γ = Var(c_j) is the covariance of two folds. From one data set it cannot be told from δ; from many it can. A fixed
correlation ρ (Nadeau & Bengio 2003) would shrink γ as seeds are averaged, which it does not do.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

KINDS = {
    "fully_connected": ("perceptron", "ann", "dnn"),
    "convolutional": ("cnn", "resnet"),
}
"""Which networks each kind of the calibration stands for; others take the larger limit."""

UPPER = 1.645
"""Standard errors from an estimate to the upper end of its one-sided 95 % interval."""


@dataclass(frozen=True)
class FoldCovariance:
    """γ over the variance of one run's difference, φ² + σ², with its standard error, and from how many data sets."""

    per_run: float
    per_run_error: float
    data_sets: int


def estimate_fold_covariance(comparisons: Sequence[ArrayLike]) -> FoldCovariance:
    """The covariance of folds from independent data sets, pooled over comparisons, with jackknife standard errors.

    comparisons: of each the paired differences, (N data sets, K folds, R seeds), the same data sets in all; N at least
    3, since the jackknife leaves one out, K and R at least 2. The variance of the data sets' means less a K-th of the
    mean variance between folds estimates γ without bias; it may be negative.
    """
    arrays = [np.asarray(each, float) for each in comparisons]
    means = np.stack([x.mean((1, 2)) for x in arrays])  # (C, N)
    of_folds = np.stack([x.mean(2).var(1, ddof=1) for x in arrays])  # (C, N): φ² + σ²/R
    of_seeds = np.stack([x.var(2, ddof=1).mean(1) for x in arrays])  # (C, N): σ²
    n, (folds, seeds) = means.shape[1], arrays[0].shape[1:]

    def ratio(kept: NDArray[np.bool_]) -> float:
        fold_means = of_folds[:, kept].mean()
        covariance = means[:, kept].var(1, ddof=1).mean() - fold_means / folds
        of_seed = of_seeds[:, kept].mean()
        of_fold = max(fold_means - of_seed / seeds, 1e-12)
        return float(covariance / (of_fold + of_seed))

    without = np.array([ratio(np.arange(n) != left_out) for left_out in range(n)])
    return FoldCovariance(ratio(np.ones(n, bool)), float(np.sqrt((n - 1) * without.var())), n)


def common_ratio(network: str, outcome: str) -> float:
    """The upper limit of γ over the variance of one run's difference, as calibrated for this network and outcome.

    outcome: its column, such as "test/nll" or "gap/accuracy". What was not calibrated takes the largest limit.
    """
    kinds = [kind for kind, names in KINDS.items() if network in names] or list(KINDS)
    name = outcome.removeprefix("test/").replace("/", "_")
    limits = {key: limit for key, limit in _limits().items() if key[0] in kinds}
    return max(limit for key, limit in limits.items() if key[1] == name or name not in {each for _, each in limits})


@cache
def _limits() -> dict[tuple[str, str], float]:
    """Of each kind of network and outcome, over the sizes of data: what benchmarks/fold_covariance.py found."""
    limits: dict[tuple[str, str], float] = {}
    with (Path(__file__).parent / "fold_covariance.csv").open(encoding="utf8") as file:
        for row in csv.DictReader(file):
            key = (row["network"], row["outcome"])
            limit = float(row["per_run"]) + UPPER * float(row["per_run_error"])
            limits[key] = max(limits.get(key, 0.0), limit)
    return limits
