"""How far features are from what a network was trained on: the distance to the nearest class (Lee et al., "A Simple
Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks", 2018)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

RIDGE = 1e-3
"""Of the mean variance, added to every variance: features that never vary would make any distance infinite."""


class ClassGaussians(NamedTuple):
    """Normal distributions of features, one a class, with one covariance. means: (K, F). precision: (F, F)."""

    means: np.ndarray
    precision: np.ndarray

    def distances(self, features: np.ndarray) -> np.ndarray:
        """The squared Mahalanobis distance (N,) of features (N, F) to the nearest mean."""
        away = features[:, None] - self.means  # (N, K, F)
        nearest: np.ndarray = np.einsum("nkf,fg,nkg->nk", away, self.precision, away, optimize=True).min(1)
        return nearest


def fit_class_gaussians(features: np.ndarray, labels: np.ndarray) -> ClassGaussians:
    """Of features (N, F) and class indices (N,): the mean of each class that occurs, and the covariance within."""
    present, label = np.unique(labels, return_inverse=True)
    means = np.stack([features[label == k].mean(0) for k in range(len(present))])
    within = features - means[label]
    covariance = within.T @ within / len(features)
    variance = max(float(np.trace(covariance)) / len(covariance), float(np.finfo(np.float32).tiny))
    return ClassGaussians(means, np.linalg.inv(covariance + RIDGE * variance * np.eye(len(covariance))))
