"""Weight decay: each step pulls the weights a little towards zero, apart from the gradient.

Loshchilov & Hutter (2019), "Decoupled Weight Decay Regularization"; the idea is Krogh & Hertz's (1992). Only
what weighs inputs decays: pulling biases, norms or gains towards zero constrains nothing worth constraining, and the
vector of a word that a batch does not have would fade. Pretrained layers that learn on decay too, as usual, by their
own, lower learning rate.
A run shrinks a weight that its gradient leaves alone by the factor exp(-strength · sum of the learning rates),
so short runs need large strengths. Expected: a somewhat smaller gap, seldom more. Costs nothing.

    python pipelines/train.py mitigation=weight_decay mitigation.weight_decay.strength=1.0
"""

from __future__ import annotations

import torch
from pydantic import NonNegativeFloat
from torch import nn
from torch.nn.modules.conv import _ConvNd

from overcast.mitigation import Mitigation

DECAYED = (nn.Linear, _ConvNd, nn.RNNBase)
"""The layers that weigh inputs. What owns a weight decides, not its shape: an embedding is a matrix too."""


def decayed_weights(net: nn.Module) -> list[nn.Parameter]:
    """The weights of all layers of `DECAYED`, each unit's along the first dimension; no bias, norm or embedding."""
    layers = [module for module in net.modules() if isinstance(module, DECAYED)]
    named = [pair for layer in layers for pair in layer.named_parameters(recurse=False)]
    return list(dict.fromkeys(weight for name, weight in named if name.startswith("weight")))


class WeightDecay(Mitigation):
    """strength: a step takes away learning rate · strength of each weight."""

    def __init__(self, strength: NonNegativeFloat = 0.5) -> None:
        self.strength = strength

    def optimizer(self, net: nn.Module, built: torch.optim.Optimizer) -> torch.optim.Optimizer:
        chosen = {id(weight) for weight in decayed_weights(net)}
        for group in list(built.param_groups):
            decayed = [weight for weight in group["params"] if id(weight) in chosen]
            group["params"] = [weight for weight in group["params"] if id(weight) not in chosen]
            built.add_param_group({**group, "params": decayed, "weight_decay": self.strength})
        return built
