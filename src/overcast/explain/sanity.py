"""Do the maps depend on what was learned? With random weights they must change (Adebayo et al. 2018)."""

from __future__ import annotations

import copy

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

from overcast.core.seeding import generator


def shuffle_weights(net: nn.Module, seed: int) -> nn.Module:
    """A copy whose every tensor of weights has its own values in a random order: as large, but nothing learned."""
    other = copy.deepcopy(net)
    with torch.no_grad():
        for number, weights in enumerate(other.parameters()):
            order = torch.randperm(weights.numel(), generator=generator(seed, "shuffled", number))
            weights.copy_(weights.flatten()[order].view_as(weights))
    return other


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two maps; 0 where one of them is the same everywhere."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a.ravel(), b.ravel()).statistic)
