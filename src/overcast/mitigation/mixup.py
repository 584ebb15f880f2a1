"""Mixup: trains on blends of two samples, labelled with the same blend of their labels.

Zhang et al. (2018), "mixup: Beyond Empirical Risk Minimization". Expected: the gap all but closes, since the
train samples themselves are hardly seen; better calibrated; accuracy gains need more epochs. Costs next
to nothing for a convolutional network, a sixth of a step for a fully connected one.

    python pipelines/train.py mitigation=mixup mitigation.mixup.alpha=0.4
"""

from __future__ import annotations

from math import pi
from typing import ClassVar

import torch
from pydantic import NonNegativeFloat
from torch import Tensor

from overcast.core.spec import Kind
from overcast.mitigation import Batch, Mitigation


def beta(alpha: float, u: Tensor) -> Tensor:
    """Draws (B,) of the symmetric Beta(alpha, alpha), by Devroye's (1996) formula. u: (B, 2) in [0, 1)."""
    rare = u[:, 0].double() ** (1 / alpha)  # (B,)
    cosine = torch.cos(2 * pi * u[:, 1].double())  # (B,)
    share = cosine * (1 - rare).sqrt() / (cosine.square() * (1 - rare) + rare).sqrt()  # (B,) in [-1, 1]
    return ((1 + share) / 2).float()


def blend(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """share · a + (1 - share) · b, sample by sample. share: (B,)."""
    share = share.view(-1, *[1] * (a.dim() - 1))
    return share * a + (1 - share) * b


class Mixup(Mitigation):
    """alpha: the blend is drawn from Beta(alpha, alpha): near 0 mostly one sample, at 1 any blend alike."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image", "sequence", "spectrogram")

    def __init__(self, alpha: NonNegativeFloat = 0.2) -> None:
        self.alpha = alpha

    def batch(self, batch: Batch, generator: torch.Generator) -> Batch:
        if not self.alpha:
            return batch
        device = batch.x.device
        share = beta(self.alpha, torch.rand(len(batch.x), 2, generator=generator, device=device))  # (B,)
        other = torch.randperm(len(batch.x), generator=generator, device=device)  # (B,)
        labels = batch.probabilities  # (B, K)
        return batch._replace(
            x=blend(batch.x, batch.x[other], share),
            y=blend(labels, labels[other], share),
            length=torch.maximum(batch.length, batch.length[other]),
        )
