"""Handmade: features that people thought of, and one linear layer on them: what came before learned features.

Of pictures a histogram of each colour channel and histograms of oriented gradients; of sequences the mean, spread
and mean step of each feature (of a log-mel spectrogram: log-mel statistics); of texts how often each word occurs.

Expected: hard to beat with little data, left behind with much. Only the linear layer learns: logistic regression.
Seconds a run.

    python pipelines/train.py data=skies model=handmade
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.model import Network, Norm, norm_layer
from overcast.reading import inside, mean_over_time
from overcast.spec import PADDING, Spec

BINS = 9  # directions, of half a turn together
CELLS = 8  # a side, at most
COLOURS = 8  # bins of a channel's histogram
WIDEST = 2.0  # spreads from the mean: what lies beyond counts in the outer bins


class Handmade(Network):
    """Fixed features and a linear layer. ``scale`` has no width to act on; ``norm`` and ``dropout`` act on features."""

    def __init__(self, spec: Spec, dropout: float = 0.0, norm: Norm = "none", scale: float = 1.0) -> None:
        super().__init__()
        self.kind, self.ids = spec.kind, spec.ids
        if spec.kind == "image":
            side = cells(min(spec.shape[1:]))
            width = spec.shape[0] * COLOURS + (side - 1) ** 2 * 4 * BINS
        else:
            width = spec.ids if spec.kind == "tokens" else 3 * spec.shape[1]
        self.layers = nn.Sequential(norm_layer(norm, width), nn.Dropout(dropout), nn.Linear(width, len(spec.classes)))

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        logits: Tensor = self.layers(self.features(x, length))  # (B, D) -> (B, K)
        return logits

    def features(self, x: Tensor, length: Tensor) -> Tensor:
        """The features (B, D) of any sample, brought to numbers of the order of one."""
        if self.kind == "tokens":
            return words(x, self.ids)
        if self.kind == "sequence":
            return statistics(x, length)
        gradients = oriented_gradients(x.mean(1), cells(min(x.shape[2:])))
        return torch.cat([COLOURS * colours(x), math.sqrt(4 * BINS) * gradients], 1)


def cells(side: int) -> int:
    """Cells a side for pictures of ``side`` pixels: of four pixels at least, and two of them to make a block."""
    return max(2, min(CELLS, side // 4))


def colours(x: Tensor) -> Tensor:
    """The share of pixels in each of `COLOURS` bins of each channel: (B, C, H, W) -> (B, C · COLOURS)."""
    place = ((x / WIDEST + 1) / 2 * COLOURS).long().clamp(0, COLOURS - 1)
    return F.one_hot(place.flatten(2), COLOURS).float().mean(2).flatten(1)


def oriented_gradients(grey: Tensor, side: int) -> Tensor:
    """HOG (Dalal & Triggs 2005) of grey pictures (B, H, W) in ``side`` × ``side`` cells: (B, (side - 1)² · 4 · BINS).

    Each pixel votes with the size of its gradient for the two nearest of `BINS` directions; blocks of 2×2 cells
    are brought to length one, cut at 0.2, and brought to length one again.
    """
    across = F.pad(grey[:, :, 2:] - grey[:, :, :-2], (1, 1))  # (B, H, W)
    down = F.pad(grey[:, 2:] - grey[:, :-2], (0, 0, 1, 1))
    size = torch.sqrt(across**2 + down**2 + 1e-12) - 1e-6  # a square root alone has no slope at zero
    place = torch.atan2(down, across) / math.pi % 1 * BINS  # a gradient and its opposite are the same direction
    lower = place.floor()
    share = (place - lower)[..., None]
    below, above = (F.one_hot((lower.long() + i) % BINS, BINS) for i in (0, 1))  # (B, H, W, BINS)
    votes = size[..., None] * (below * (1 - share) + above * share)
    binned = F.adaptive_avg_pool2d(votes.permute(0, 3, 1, 2), side)  # (B, BINS, side, side)
    blocks = F.unfold(binned, 2).transpose(1, 2)  # (B, (side - 1)², 4 · BINS)
    cut = F.normalize(blocks, dim=2, eps=1e-3).clamp(max=0.2)
    return F.normalize(cut, dim=2, eps=1e-3).flatten(1)


def statistics(x: Tensor, length: Tensor) -> Tensor:
    """Mean, spread and mean absolute step over the true steps: (B, T, F) -> (B, 3 · F)."""
    mean = mean_over_time(x, length)  # (B, F)
    spread = torch.sqrt(mean_over_time((x - mean[:, None]) ** 2, length) + 1e-6)
    steps = (x[:, 1:] - x[:, :-1]).abs()
    return torch.cat([mean, spread, mean_over_time(steps, (length - 1).clamp(min=0))], 1)


def words(x: Tensor, ids: int) -> Tensor:
    """1 + log of how often each word occurs, as vectors of length √10: ids (B, T) -> (B, ids).

    A frequency over all documents, as TF-IDF has it, would have to be learned from the train part; the weights do.
    """
    count = torch.zeros(len(x), ids, device=x.device)
    count.scatter_add_(1, x, inside((x != PADDING).sum(1), x.shape[1]).float())
    return math.sqrt(10) * F.normalize(torch.where(count > 0, 1 + count.clamp(min=1).log(), 0.0), dim=1)
