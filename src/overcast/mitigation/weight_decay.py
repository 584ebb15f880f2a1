"""Weight decay: each step pulls the weights a little towards zero, apart from the gradient.

Loshchilov & Hutter (2019), "Decoupled Weight Decay Regularization"; the idea is Krogh & Hertz's (1992). Only
matrices and kernels decay: pulling biases, norms or gains towards zero constrains nothing worth constraining.
A run shrinks a weight that its gradient leaves alone by the factor exp(-strength · sum of the learning rates),
so short runs need large strengths. Expected: a somewhat smaller gap, seldom more. Costs nothing.

    python pipelines/train.py mitigation=weight_decay mitigation.weight_decay.strength=1.0
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from overcast.errors import UserError
from overcast.mitigation import Mitigation


def matrices(weights: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    """Those that weigh a unit's inputs, each unit's along the first dimension; not biases, norms and gains."""
    return [weight for weight in weights if weight.ndim > 1]


class WeightDecay(Mitigation):
    """strength: a step takes away learning rate · strength of each weight."""

    def __init__(self, strength: float = 0.5) -> None:
        if not strength >= 0:
            raise UserError(f"mitigation.weight_decay.strength={strength}: must be at least 0")
        self.strength = strength

    def optimizer(self, net: nn.Module, built: torch.optim.Optimizer) -> torch.optim.Optimizer:
        for group in list(built.param_groups):
            decayed = matrices(group["params"])
            chosen = {id(weight) for weight in decayed}
            group["params"] = [weight for weight in group["params"] if id(weight) not in chosen]
            built.add_param_group({**group, "params": decayed, "weight_decay": self.strength})
        return built
