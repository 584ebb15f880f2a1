"""The sets are those of crepes, and hold the true class as often as is promised; the interval is scipy's."""

from __future__ import annotations

import crepes
import numpy as np
import pytest
from scipy.stats import binomtest

from overcast.statistics.conformal import clopper_pearson, conformal_threshold


def probabilities(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([0.5] * 4, n)
    return p, (p.cumsum(1) > rng.random((n, 1))).argmax(1)


@pytest.mark.parametrize("n", [8, 10, 57, 200])
@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.25])
def test_the_sets_are_those_of_crepes(n: int, alpha: float) -> None:
    """No n for which (n + 1) alpha is whole: there crepes, which compares p-values, also keeps what is just as odd."""
    p, y = probabilities(n, 0)
    new, _ = probabilities(500, 1)
    scores = 1 - p[np.arange(n), y]
    reference = crepes.ConformalClassifier().fit(scores)
    expected = reference.predict_set(1 - new, confidence=1 - alpha, smoothing=False)
    sets = new >= conformal_threshold(1 - scores, alpha)
    assert (sets == expected.astype(bool)).all()


def test_coverage_over_many_calibration_parts_is_what_is_promised() -> None:
    covered = []
    for seed in range(300):
        p, y = probabilities(100, seed)
        threshold = conformal_threshold(p[np.arange(50), y[:50]], 0.1)
        covered.append((p[np.arange(50, 100), y[50:]] >= threshold).mean())
    assert np.mean(covered) == pytest.approx(46 / 51, abs=3 * np.std(covered) / 300**0.5)  # ⌈51 · 0.9⌉ / 51


def test_too_few_samples_promise_nothing_and_all_classes_are_in_the_set() -> None:
    assert conformal_threshold(np.full(8, 0.5), 0.1) == 0
    assert conformal_threshold(np.arange(1, 10) / 10, 0.1) == 0.1


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (7, 7), (45, 50)])
def test_the_interval_is_the_exact_one(hits: int, n: int) -> None:
    expected = binomtest(hits, n).proportion_ci(0.95, "exact")
    assert clopper_pearson(hits, n) == pytest.approx((expected.low, expected.high))
