"""Temperature scaling: one number that makes a network as sure as it is right (Guo et al., "On Calibration of Modern
Neural Networks", 2017)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

RANGE = (0.05, 20.0)
"""Where the temperature is looked for: where every sample is told right, the likelihood has no maximum."""


def negative_log_likelihood(logits: np.ndarray, target: np.ndarray, temperature: float = 1.0) -> float:
    """The mean of −log p of the true class, in nats. logits: (N, K). target: (N,)."""
    scaled = logits.astype(np.float64) / temperature
    return float((logsumexp(scaled, axis=1) - scaled[np.arange(len(target)), target]).mean())


def learn_temperature(logits: np.ndarray, target: np.ndarray) -> float:
    """The T within `RANGE` for which softmax(logits / T) makes the target most likely; above 1: it was too sure.

    logits: (N, K) of samples that the network was not trained on. target: (N,) class indices. The negative
    log-likelihood is convex in 1/T: what is found is its only minimum.
    """
    found = minimize_scalar(
        lambda log_t: negative_log_likelihood(logits, target, float(np.exp(log_t))),
        bounds=tuple(np.log(RANGE)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))
