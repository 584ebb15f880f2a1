"""How sure a test figure is: percentile bootstrap over the samples (Efron 1979), all resamples at once.

A resample is a vector of how often each sample was drawn; every figure is then a few weighted sums.
"""

from __future__ import annotations

import numpy as np

from overcast.core.seeding import derive_seed
from overcast.statistics.estimates import ALPHA
from overcast.training.metrics import CALIBRATION_BINS

RESAMPLES = 2000


def figures(probabilities: np.ndarray, target: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """The same figures as `overcast.training.metrics.metric_collection`, for each resample.

    probabilities: (N, K). target: (N,). weights: (R, N) times drawn, each row summing to N.
    Returns (R,) arrays: accuracy, nll, macro_f1, brier, ece.
    """
    count = len(target)
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    correct = predicted == target
    one_hot = np.eye(probabilities.shape[1])[target]
    true = probabilities[np.arange(count), target].clip(1e-38)
    return {
        "accuracy": weights @ correct / count,
        "nll": weights @ -np.log(true) / count,
        "macro_f1": _macro_f1(one_hot, np.eye(probabilities.shape[1])[predicted], weights),
        "brier": weights @ ((probabilities - one_hot) ** 2).sum(1) / count,
        "ece": _ece(confidence, correct, weights) / count,
    }


def _macro_f1(one_hot: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    true_positives, actual, predictions = (
        weights @ (one_hot * predicted),
        weights @ one_hot,
        weights @ predicted,
    )  # (R, K)
    either = actual + predictions
    score = np.divide(2 * true_positives, either, out=np.zeros_like(true_positives), where=either > 0)
    mean: np.ndarray = score.sum(1) / np.maximum((either > 0).sum(1), 1)
    return mean


def calibration_bin(confidence: np.ndarray) -> np.ndarray:
    """The bin of the calibration error (N,) that each confidence (N,) falls into."""
    bins: np.ndarray = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return bins


def _ece(confidence: np.ndarray, correct: np.ndarray, weights: np.ndarray) -> np.ndarray:
    inside = np.eye(CALIBRATION_BINS)[calibration_bin(confidence)]  # (N, bins)
    off = np.abs(weights @ (inside * (confidence - correct)[:, None])).sum(1)
    assert isinstance(off, np.ndarray)
    return off


def intervals(
    probabilities: np.ndarray, target: np.ndarray, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, tuple[float, float]]:
    """The interval of each figure at ``1 - ALPHA``: ``{"accuracy": (low, high), …}``."""
    count = len(target)
    draws = np.random.default_rng(derive_seed(seed, "bootstrap"))
    weights = draws.multinomial(count, np.full(count, 1 / count), size=resamples)
    tails = [ALPHA / 2, 1 - ALPHA / 2]
    return {
        name: (float(low), float(high))
        for name, values in figures(probabilities, target, weights.astype(np.float64)).items()
        for low, high in [np.quantile(values, tails)]
    }
