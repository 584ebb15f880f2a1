"""Weights that make up for how rare a class is."""

from __future__ import annotations

import torch
from torch import Tensor


def inverse_frequency(labels: Tensor, classes: int, strength: float = 1.0) -> Tensor:
    """The weight (K,) of each class: (1 / its frequency) to the power ``strength``, on average 1 over the samples.

    At strength 1 these are scikit-learn's "balanced" weights. A class without a sample has weight 0.

    labels: class indices (N,).
    """
    counts = torch.bincount(labels, minlength=classes).double()
    weights = torch.where(counts > 0, counts.clamp(min=1) ** -strength, 0.0)
    return (weights * len(labels) / (weights * counts).sum()).float()
