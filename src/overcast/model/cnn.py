"""CNN: convolutions that halve the picture and widen, each stage closed by a residual block.

A stem reduces large pictures to at most 24 pixels a side before the first stage, so that cost hardly grows
with the size of the picture; digits of 8 pixels skip it.

EXPECTED

    python pipelines/train.py data=weather model=cnn "mitigation=[augmentation,batch_norm]"
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from overcast.model import Network, Norm, norm_layer, widen
from overcast.spec import Kind, Spec

SIDE = 24  # pixels a side, at most, that the first stage sees


class CNN(Network):
    """A stem, stages of convolution, pooling and residual blocks, and the mean over the positions left.

    The stages are those of a small ResNet made to train fast (Page 2018, "How to train your ResNet").
    width: channels of the first stage; each next one has twice as many. blocks: residual ones in each stage.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)

    def __init__(
        self,
        spec: Spec,
        width: int = 24,
        stages: int = 3,
        blocks: int = 1,
        dropout: float = 0.0,
        norm: Norm = "none",
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        widths = [widen(width * 2**stage, scale) for stage in range(stages)]
        layers = stem(spec.shape[0], widths[0], min(spec.shape[1:]), norm)
        for stage, (before, after) in enumerate(zip([widths[0], *widths], widths, strict=False)):
            layers.append(convolution(before, after, norm))
            if stage > 0:
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
            layers += [Residual(after, norm) for _ in range(blocks)]
        self.layers = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], len(spec.classes))

    def forward(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)  # faster on a CPU
        x = self.layers(x)  # (B, C, H, W) -> (B, width · 2^(stages - 1), h, w)
        logits: Tensor = self.head(self.dropout(x.mean((2, 3))))  # (B, K)
        return logits


class Residual(nn.Module):
    """x + gain · two convolutions of x, gain starting at 0: trains with norm or without (De & Smith 2020)."""

    def __init__(self, width: int, norm: Norm) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(convolution(width, width, norm), convolution(width, width, norm))
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = x + self.gain * self.convolutions(x)  # (B, C, H, W)
        return changed


def convolution(before: int, after: int, norm: Norm, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, norm and ReLU; weights keep the variance of what passes through (He et al. 2015)."""
    layer = nn.Conv2d(before, after, size, stride, size // 2)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(layer, norm_layer(norm, after, dims=2), nn.ReLU())


def stem(channels: int, width: int, side: int, norm: Norm) -> list[nn.Module]:
    """From ``side`` pixels to at most SIDE: the first halving by a stride, the others by one pooling."""
    shrink = 1  # by how much, a power of two
    while side > SIDE * shrink:
        shrink *= 2
    if shrink == 1:
        return [convolution(channels, width, norm)]
    layers: list[nn.Module] = [convolution(channels, width, norm, size=5, stride=2)]
    if shrink > 2:
        pool = shrink // 2
        layers.append(nn.MaxPool2d(pool + 1, pool, pool // 2))
    return layers
