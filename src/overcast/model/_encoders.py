"""How networks read any kind of sample: as one vector, or step by step."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.core.spec import PADDING, SEQUENCES, Spec


def sequence_mask(length: Tensor, steps: int) -> Tensor:
    """Which steps are true ones and which padding: (B, steps) bool."""
    return torch.arange(steps, device=length.device) < length[:, None]


def mean_over_time(x: Tensor, length: Tensor) -> Tensor:
    """The mean (B, F) of the true steps of x (B, T, F)."""
    true = sequence_mask(length, x.shape[1])[..., None]
    return (x * true).sum(1) / length[:, None].clamp(min=1)


class StepEncoder(nn.Module):
    """Any sample as steps (B, T, features): a picture's rows or patches, a sequence's steps, the embeddings of words.

    patch: pixels a side of the squares that a picture is cut into, read row after row, what is missing at the right and
    at the bottom being zero; 0: the rows themselves. max_steps: T of the longest sample.
    """

    def __init__(self, spec: Spec, embedding: int, patch: int = 0) -> None:
        super().__init__()
        self.kind, self.patch = spec.kind, patch
        self.words = nn.Embedding(spec.ids, embedding, PADDING) if spec.kind == "tokens" else None
        self.features = {"image": spec.shape[0] * spec.shape[-1], "tokens": embedding}.get(spec.kind, spec.shape[-1])
        self.max_steps = spec.shape[1 if spec.kind == "image" else 0]
        if patch:
            self.features = spec.shape[0] * patch**2
            self.max_steps = prod(-(-side // patch) for side in spec.shape[1:])

    def forward(self, x: Tensor) -> Tensor:
        if self.words is not None:
            return self.words(x)  # type: ignore[no-any-return]  # (B, T) -> (B, T, E)
        if self.patch:
            height, width = x.shape[2:]
            x = F.pad(x, (0, -width % self.patch, 0, -height % self.patch))
            return F.unfold(x, self.patch, stride=self.patch).transpose(1, 2)  # (B, C, H, W) -> (B, T, C·patch²)
        return x.permute(0, 2, 1, 3).flatten(2) if self.kind == "image" else x  # (B, C, H, W) -> (B, H, C·W)


class VectorEncoder(nn.Module):
    """Any sample as one vector (B, features): all pixels, all steps up to the longest, the mean of a text's words."""

    def __init__(self, spec: Spec, embedding: int) -> None:
        super().__init__()
        self.kind, self.max_length = spec.kind, spec.shape[0]
        self.words = nn.Embedding(spec.ids, embedding, PADDING) if spec.kind == "tokens" else None
        self.features = embedding if spec.kind == "tokens" else prod(spec.shape)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        if self.words is not None:
            return mean_over_time(self.words(x), length)
        if self.kind in SEQUENCES:  # padded to the longest of its batch: fill up to (or cut to) the spec's T
            x = F.pad(x, (0, 0, 0, self.max_length - x.shape[1]))
        return x.flatten(1)
