"""L1: a price on every weight's size, which drives those that earn little to zero.

Tibshirani (1996), "Regression Shrinkage and Selection via the Lasso". The price is the same for large and small
weights, so many of them end at (nearly) zero; biases, norms, gains and embeddings go free. Expected: a sparse network
and a smaller gap; too much of it and nothing is learned, sooner the larger the network. Costs a few
passes over the weights: little for convolutional networks, half a step for wide fully connected ones.

    python pipelines/train.py mitigation=l1 mitigation.l1.strength=1e-4
"""

from __future__ import annotations

import torch
from pydantic import NonNegativeFloat
from torch import Tensor, nn

from overcast.mitigation import Mitigation
from overcast.mitigation.weight_decay import decayed_weights


class L1(Mitigation):
    """strength: loss, in nats, for each unit of the sum over all weights' sizes."""

    def __init__(self, strength: NonNegativeFloat = 1e-5) -> None:
        self.strength = strength

    def loss(self, net: nn.Module, logits: Tensor, target: Tensor) -> Tensor | float:
        if not self.strength:
            return 0.0
        return self.strength * torch.stack([weight.abs().sum() for weight in decayed_weights(net)]).sum()
