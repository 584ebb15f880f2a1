"""Label smoothing: the network is asked for a little of every class, so that certainty does not pay.

Szegedy et al. (2016), "Rethinking the Inception Architecture for Computer Vision". Expected: logits that stay
small, a validation negative log-likelihood that no longer climbs while accuracy stands still, accuracy a little
better or the same. The plain loss on the train part can no longer go to zero. Costs next to nothing.

    python pipelines/train.py mitigation=label_smoothing mitigation.label_smoothing.epsilon=0.2
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.config.options import Share
from overcast.mitigation import Mitigation


def uniform_minus_target(logits: Tensor, target: Tensor) -> Tensor:
    """By how much the cross-entropy (B,) with "every class alike" is above that with the target."""
    uniform = torch.full_like(logits, 1 / logits.shape[-1])  # (B, K)
    return F.cross_entropy(logits, uniform, reduction="none") - F.cross_entropy(logits, target, reduction="none")


class LabelSmoothing(Mitigation):
    """epsilon: how much of the label is spread over all classes."""

    def __init__(self, epsilon: Share = 0.1) -> None:
        self.epsilon = epsilon

    def loss(self, net: nn.Module, logits: Tensor, target: Tensor) -> Tensor | float:
        return self.epsilon * uniform_minus_target(logits, target) if self.epsilon else 0.0
