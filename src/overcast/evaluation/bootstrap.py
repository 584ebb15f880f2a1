"""How sure a test figure is: percentile bootstrap over the samples (Efron 1979), many resamples at once.

A resample is a vector of how often each sample was drawn; every figure is then a few weighted sums. Samples that belong
together (near-duplicates, those of one source) are drawn together, as the one that they count as: the cluster bootstrap
(Davison & Hinkley 1997, section 3.8; Field & Welsh 2007). A resample then has more or fewer samples, and its figures
are means over those it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from overcast.core.seeding import derive_seed
from overcast.statistics.estimates import ALPHA
from overcast.training.metrics import CALIBRATION_BINS

RESAMPLES = 2000

MOST_WEIGHTS = 2**22
"""Numbers of resamples × samples in memory at once: all at once for up to 2,000 samples."""


def figures(probabilities: np.ndarray, target: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """The figures of the same names as `overcast.training.metrics.measure_metrics`, for each resample.

    probabilities: (N, K). target: (N,). weights: (R, N) times drawn.
    Returns (R,) arrays: accuracy, nll, balanced_accuracy, macro_f1, brier, ece.
    """
    count = weights.sum(1)
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    correct = predicted == target
    one_hot = np.eye(probabilities.shape[1])[target]
    true = probabilities[np.arange(len(target)), target].clip(1e-38)
    return {
        "accuracy": weights @ correct / count,
        "nll": weights @ -np.log(true) / count,
        **_class_means(one_hot, np.eye(probabilities.shape[1])[predicted], weights),
        "brier": weights @ ((probabilities - one_hot) ** 2).sum(1) / count,
        "ece": _ece(confidence, correct, weights) / count,
    }


def _class_means(one_hot: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Recall and F1, as means (R,) over the classes that a resample has or that are guessed in it."""
    true_positives, actual, predictions = (
        weights @ (one_hot * predicted),
        weights @ one_hot,
        weights @ predicted,
    )  # (R, K)
    either = actual + predictions
    recall, f1 = (
        np.divide(hits, of, out=np.zeros_like(true_positives), where=of > 0)
        for hits, of in ((true_positives, actual), (2 * true_positives, either))
    )
    classes = np.maximum((either > 0).sum(1), 1)
    return {"balanced_accuracy": recall.sum(1) / classes, "macro_f1": f1.sum(1) / classes}


def calibration_bin(confidence: np.ndarray) -> np.ndarray:
    """The bin of the calibration error (N,) that each confidence (N,) falls into."""
    bins: np.ndarray = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return bins


def _ece(confidence: np.ndarray, correct: np.ndarray, weights: np.ndarray) -> np.ndarray:
    inside = np.eye(CALIBRATION_BINS)[calibration_bin(confidence)]  # (N, bins)
    off = np.abs(weights @ (inside * (confidence - correct)[:, None])).sum(1)
    assert isinstance(off, np.ndarray)
    return off


def draw_resamples(groups: np.ndarray, seed: int, resamples: int) -> np.ndarray:
    """How often each sample was drawn: (R, N). groups: (N,) of the samples; as many are drawn as there are.

    Where all samples are one group, such as a speaker, each stands for itself: drawing that group again and again would
    be no interval. What is said then is about other samples of that group, and about no other group.
    """
    return np.concatenate(list(_resample_blocks(groups, seed, resamples)))


def _resample_blocks(groups: np.ndarray, seed: int, resamples: int) -> Iterator[np.ndarray]:
    """`draw_resamples` in blocks of bounded memory."""
    drawn_together = groups if (groups != groups[0]).any() else np.arange(len(groups))
    _, first, group = np.unique(drawn_together, return_index=True, return_inverse=True)
    group = np.argsort(np.argsort(first))[group]  # (N,) numbered as they come first, whatever they are called
    draws = np.random.default_rng(derive_seed(seed, "bootstrap"))
    block = max(1, MOST_WEIGHTS // len(group))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = draws.multinomial(len(first), np.full(len(first), 1 / len(first)), size=size)  # (R, groups)
        yield drawn[:, group].astype(np.float64)


def _resampled(
    groups: np.ndarray, seed: int, resamples: int, measure: Callable[[np.ndarray], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """What ``measure`` gives, by name, for weights (R, N) of all resamples."""
    blocks = [measure(weights) for weights in _resample_blocks(groups, seed, resamples)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


class Change(NamedTuple):
    """A figure with one kind of answer and with another; low, high: the interval of the change between them."""

    before: float
    after: float
    low: float
    high: float

    @property
    def change(self) -> float:
        return self.after - self.before


def changes(before: np.ndarray, after: np.ndarray, target: np.ndarray, groups: np.ndarray) -> dict[str, Change]:
    """The `figures` of two answers (N, K) to the same samples; the interval of a change is over the same resamples.

    groups: (N,) as `draw_resamples` takes them.
    """

    def differences(weights: np.ndarray) -> dict[str, np.ndarray]:
        old, new = figures(before, target, weights), figures(after, target, weights)
        return {name: new[name] - old[name] for name in old}

    once = np.ones((1, len(target)))  # the samples as they are
    old, new = figures(before, target, once), figures(after, target, once)
    found = {}
    for name, values in _resampled(groups, 0, RESAMPLES, differences).items():
        low, high = np.quantile(values, [ALPHA / 2, 1 - ALPHA / 2])
        found[name] = Change(float(old[name][0]), float(new[name][0]), float(low), float(high))
    return found


def intervals(
    probabilities: np.ndarray,
    target: np.ndarray,
    seed: int = 0,
    resamples: int = RESAMPLES,
    groups: np.ndarray | None = None,
    means: Mapping[str, np.ndarray] | None = None,
) -> dict[str, tuple[float, float]]:
    """The interval of each figure at ``1 - ALPHA``: ``{"accuracy": (low, high), …}``.

    groups: (N,) equal where samples belong together; by default each stands for itself. means: further figures that are
    means of a value (N,) of each sample.
    """

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        further = {name: weights @ values / weights.sum(1) for name, values in (means or {}).items()}
        return figures(probabilities, target, weights) | further

    every = _resampled(np.arange(len(target)) if groups is None else groups, seed, resamples, measure)
    tails = [ALPHA / 2, 1 - ALPHA / 2]
    return {
        name: (float(low), float(high)) for name, values in every.items() for low, high in [np.quantile(values, tails)]
    }
