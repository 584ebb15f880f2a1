"""Distances are scipy's, to the nearest class mean, and those of samples from a class follow chi-squared."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import chi2

from overcast.statistics.mahalanobis import fit_class_gaussians


def test_distances_to_the_nearest_class() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 2], 2000)
    mixing = rng.standard_normal((4, 4))
    features = rng.standard_normal((4000, 4)) @ mixing + 30 * labels[:, None]
    gaussians = fit_class_gaussians(features, labels)
    found = gaussians.distances(features[:50])
    expected = cdist(features[:50], gaussians.means, "mahalanobis", VI=gaussians.precision).min(1) ** 2
    assert np.allclose(found, expected)
    distances = gaussians.distances(features)
    assert abs((distances > chi2.ppf(0.95, 4)).mean() - 0.05) < 0.01
    assert gaussians.distances(features[:2000] + 15).min() > distances.mean()


def test_features_that_never_vary_make_no_distance_infinite() -> None:
    features = np.zeros((10, 3))
    features[:, 0] = np.arange(10)
    gaussians = fit_class_gaussians(features, np.arange(10) % 2)
    assert np.isfinite(gaussians.distances(np.ones((1, 3)))).all()
    assert np.isfinite(fit_class_gaussians(np.zeros((4, 2)), np.arange(4) % 2).precision).all()
