"""Handmade: features as people made them before networks learned their own, and one linear layer on top.

Pictures: how often each colour occurs, and which way edges run where (histogram of oriented gradients).
Sequences: mean, spread and restlessness of each feature. Texts: which words occur, by the logarithm of how often;
that is TF-IDF without the IDF, which would have to be learned from all texts, but the linear layer learns what
each word is worth. The features have no weights: it is logistic regression, trained like any network. ``dropout``
and ``norm`` act on the features; there is no width, so no ``scale``.

Expected: after 12 epochs without mitigation, 64 % right on the synthetic skies, between the fully connected networks
and the convolutional one, and 97 % on digits. Half a minute of one slow core on the skies, seconds on the others.

    python pipelines/train.py model=handmade
"""

from __future__ import annotations

from math import pi
from typing import ClassVar

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.config.options import Rate
from overcast.core.spec import PADDING, SEQUENCES, Spec
from overcast.model import Frozen, Network, Norm, example_input, norm_layer
from overcast.model._encoders import mean_over_time

ANGLES = 9
"""Bins of half a turn: an edge is the same from dark to light and back."""

TINY = 1e-6


class Handmade(Network):
    """Features without weights, then one output per class.

    bins: of the colour histogram, a channel. cells: a side of the picture, each with its histogram of gradients.
    """

    refuses: ClassVar[dict[str, str]] = {
        "shrink": "it has no width",
        "pretraining": "its features are made by hand, and have no weights to pretrain",
        "synthetic_pretraining": "its features are made by hand, and have no weights to pretrain",
    }

    def __init__(
        self,
        spec: Spec,
        bins: PositiveInt = 16,
        cells: PositiveInt = 8,
        dropout: Rate = 0.0,
        norm: Norm = "none",
    ) -> None:
        super().__init__()
        self.features = Features(spec, bins, cells)
        width = self.features(*example_input(spec, "meta")).shape[1]  # without the memory that many features take
        self.layers = nn.Sequential(norm_layer(norm, width), nn.Dropout(dropout))
        self.head = nn.Linear(width, len(spec.classes))

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        logits: Tensor = self.head(self.layers(self.features(x, length)))  # (B, K)
        return logits

    def backbone_and_head(self) -> tuple[Frozen, Network]:
        return Frozen(self.features, self.features.key), Head(self.layers, self.head)


class Features(nn.Module):
    """Standardised inputs to features (B, D), of size about 1 each, so that one learning rate suits all."""

    def __init__(self, spec: Spec, bins: int, cells: int) -> None:
        super().__init__()
        self.kind, self.ids, self.bins = spec.kind, spec.ids, bins
        self.cells = max(1, min(cells, min(spec.shape[1:], default=0) // 2)) if spec.kind == "image" else 0
        self.key = f"handmade-{self.bins}-{self.cells}"

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        if self.kind == "tokens":
            return 8 * words(x, self.ids)  # (B, ids)
        if self.kind in SEQUENCES:
            return statistics(x, length)  # (B, 3 · F)
        blocks = oriented_gradients(x, self.cells) * (4 * ANGLES) ** 0.5
        return torch.cat([histogram(x, self.bins).flatten(1) * self.bins, blocks.flatten(1)], 1)


class Head(Network):
    """Logits (B, K) from features (B, D): the layers of a `Handmade` that learn, and they stay its own."""

    def __init__(self, layers: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.layers, self.head = layers, head

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        logits: Tensor = self.head(self.layers(x))
        return logits


def histogram(x: Tensor, bins: int) -> Tensor:
    """The share (B, C, bins) of the pixels (B, C, H, W) in each bin from -2 to 2 spreads, the ends included."""
    place = ((x.flatten(2) + 2) * (bins / 4)).long().clamp(0, bins - 1)  # (B, C, H·W)
    counts = torch.zeros(*x.shape[:2], bins, device=x.device)
    return counts.scatter_add_(2, place, torch.ones_like(place, dtype=counts.dtype)) / place.shape[2]


def oriented_gradients(x: Tensor, cells: int) -> Tensor:
    """Gradients by direction in blocks of 2×2 cells (B, blocks, 4 · ANGLES), each of length 1 (Dalal & Triggs 2005).

    A gradient votes by its size for the two nearest of `ANGLES` directions, 0 being left to right (an upright
    edge); at each pixel that of the channel where it is greatest. Cells do not share votes. One cell is a block.
    """
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]  # (B, C, H, W)
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    size, channel = (across.square() + down.square()).max(1, keepdim=True)  # (B, 1, H, W)
    angle = torch.atan2(down.gather(1, channel), across.gather(1, channel)) * (ANGLES / pi)  # in bins
    apart = (angle - torch.arange(ANGLES, device=x.device).view(-1, 1, 1)).remainder(ANGLES)  # (B, ANGLES, H, W)
    root = torch.where(size > 0, size, 1).sqrt() * (size > 0)  # whose gradient in flat places is 0, not infinite
    votes = root * (1 - torch.minimum(apart, ANGLES - apart)).clamp(min=0)
    histograms = F.adaptive_avg_pool2d(votes, cells)  # (B, ANGLES, cells, cells)
    blocks = F.unfold(histograms, min(cells, 2)).transpose(1, 2)  # (B, blocks, 4 · ANGLES)
    clipped = F.normalize(blocks, dim=2, eps=TINY).clamp(max=0.2)  # so that one strong edge does not drown the rest
    return F.normalize(clipped, dim=2, eps=TINY)


def statistics(x: Tensor, length: Tensor) -> Tensor:
    """Mean, spread and mean absolute difference from step to step (B, 3 · F) over the true steps of x (B, T, F)."""
    mean = mean_over_time(x, length)
    std = (mean_over_time((x - mean[:, None]).square(), length) + TINY).sqrt()
    return torch.cat([mean, std, mean_over_time(x.diff(dim=1).abs(), length - 1)], 1)


def words(x: Tensor, ids: int) -> Tensor:
    """log(1 + how often) of each word of texts (B, T), scaled to length 1: (B, ids)."""
    counts = torch.zeros(x.shape[0], ids, device=x.device)
    counts.scatter_add_(1, x, (x != PADDING).to(counts.dtype))
    return F.normalize(counts.log1p(), dim=1)
