"""How sure a test figure is: percentile bootstrap over the samples (Efron 1979), all resamples at once.

A resample is a vector of how often each sample was drawn; every figure is then a few weighted sums.
"""

from __future__ import annotations

import numpy as np

from overcast.core.seeding import derive_seed
from overcast.statistics.estimates import LEVEL
from overcast.training.metrics import CALIBRATION_BINS

RESAMPLES = 2000


def figures(probabilities: np.ndarray, target: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """The same figures as `overcast.training.metrics.metric_collection`, for each resample.

    probabilities: (N, K). target: (N,). weights: (R, N) times drawn, each row summing to N.
    Returns (R,) arrays: accuracy, nll, macro_f1, brier, ece.
    """
    count = len(target)
    predicted, sure = probabilities.argmax(1), probabilities.max(1)
    right = predicted == target
    hot = np.eye(probabilities.shape[1])[target]
    true = probabilities[np.arange(count), target].clip(1e-38)
    return {
        "accuracy": weights @ right / count,
        "nll": weights @ -np.log(true) / count,
        "macro_f1": _macro_f1(hot, np.eye(probabilities.shape[1])[predicted], weights),
        "brier": weights @ ((probabilities - hot) ** 2).sum(1) / count,
        "ece": _ece(sure, right, weights) / count,
    }


def _macro_f1(hot: np.ndarray, guess: np.ndarray, weights: np.ndarray) -> np.ndarray:
    true_positives, real, guessed = weights @ (hot * guess), weights @ hot, weights @ guess  # (R, K)
    either = real + guessed
    score = np.divide(2 * true_positives, either, out=np.zeros_like(true_positives), where=either > 0)
    mean: np.ndarray = score.sum(1) / np.maximum((either > 0).sum(1), 1)
    return mean


def calibration_bin(confidence: np.ndarray) -> np.ndarray:
    """The bin of the calibration error (N,) that each confidence (N,) falls into."""
    bins: np.ndarray = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return bins


def _ece(sure: np.ndarray, right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    inside = np.eye(CALIBRATION_BINS)[calibration_bin(sure)]  # (N, bins)
    off = np.abs(weights @ (inside * (sure - right)[:, None])).sum(1)
    assert isinstance(off, np.ndarray)
    return off


def intervals(
    probabilities: np.ndarray, target: np.ndarray, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, tuple[float, float]]:
    """The interval of each figure at ``1 - LEVEL``: ``{"accuracy": (low, high), …}``."""
    count = len(target)
    draws = np.random.default_rng(derive_seed(seed, "bootstrap"))
    weights = draws.multinomial(count, np.full(count, 1 / count), size=resamples)
    tails = [LEVEL / 2, 1 - LEVEL / 2]
    return {
        name: (float(low), float(high))
        for name, values in figures(probabilities, target, weights.astype(np.float64)).items()
        for low, high in [np.quantile(values, tails)]
    }
