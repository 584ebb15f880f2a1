"""What the convolutional networks share: stages over pictures, spectrograms or time, and what the last layer reads."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.config.options import Rate
from overcast.core.spec import Spec
from overcast.model import Depth, Network, Norm, Scale, norm_layer, scaled_width
from overcast.model._encoders import StepEncoder, mean_over_time, sequence_mask
from overcast.model._spectrogram import SpectrogramEncoder

SIDE = 28  # pixels a side, at most, that the first stage sees, unless told otherwise

SMALL = 1e-5
"""Added to a variance, whose root has no gradient at 0."""


class Convolutional(Network):
    """Convolutions of 3×3 with pooling between (Simonyan & Zisserman 2015), then the mean over all positions.

    Over time, of width 3, then the mean and the greatest value over all true steps (Kim 2014). Over time and bands, of
    3×3, then the same for each band that is left: where in the spectrum a sound is counts, and when does not.

    width: channels of the first stage; each of the next ``stages`` - 1 has twice as many. Of pictures, stem_stride: by
    how much the stem shrinks them; None: until the first stage sees at most 28 pixels a side. head: which stages the
    last layer reads, the mean of the "last" one's maps or mean and standard deviation of "all" of them (early ones see
    texture; after the hypercolumns of Hariharan et al. 2015). blocks: residual ones after each stage's convolution.
    """

    def __init__(
        self,
        spec: Spec,
        width: PositiveInt = 32,
        stages: Depth = 4,
        embedding: PositiveInt = 64,
        stem_stride: Literal[1, 2, 4, 8, 16] | None = None,
        head: Literal["last", "all"] = "last",
        blocks: NonNegativeInt = 0,
        dropout: Rate = 0.0,
        norm: Norm = "none",
        scale: Scale = 1.0,
    ) -> None:
        super().__init__()
        widths = [scaled_width(width * 2**stage, scale) for stage in range(stages)]
        if spec.kind == "image":
            self.layers: nn.Module = _over_picture(spec, widths, norm, stem_stride, blocks)
            n_features = widths[-1]
        elif spec.kind == "spectrogram":
            self.layers = SpectrogramEncoder(spec.shape[-1], widths, norm)
            n_features = 2 * self.layers.features
        else:
            self.layers, n_features = Time(spec, widths, norm, embedding), 2 * widths[-1]
        self.stage_ends: list[int] = []
        """Which layers end a stage that the head reads; none for the mean of the last one."""
        if isinstance(self.layers, nn.Sequential) and head == "all":
            n_features = 2 * sum(widths)
            self.feature_norm = norm_layer(norm, n_features)
            pools = [number for number, layer in enumerate(self.layers) if isinstance(layer, nn.MaxPool2d)]
            self.stage_ends = [pool - 1 for pool in [*pools, len(self.layers)][-stages:]]
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(n_features, len(spec.classes))

    def forward(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        if isinstance(self.layers, Time):
            assert length is not None
            features = self.layers(x, length)  # (B, T, F) or (B, T) -> (B, 2 · widths[-1])
        elif isinstance(self.layers, SpectrogramEncoder):
            assert length is not None
            x, length = self.layers(x, length)  # (B, T, F) -> (B, t, n_features / 2)
            features = torch.cat([mean_over_time(x, length), x.amax(1)], 1)  # beyond the end there are zeros
        else:
            x = x.contiguous(memory_format=torch.channels_last)  # faster on a CPU
            features = self._all_stages(x) if self.stage_ends else self.layers(x).mean((2, 3))  # (B, n_features)
        logits: Tensor = self.head(self.dropout(features))  # (B, K)
        return logits

    def _all_stages(self, x: Tensor) -> Tensor:
        """Mean and standard deviation over the positions of each stage's maps: (B, 2 · all widths)."""
        statistics: list[Tensor] = []
        assert isinstance(self.layers, nn.Sequential)
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number in self.stage_ends:
                variance, mean = torch.var_mean(x, (2, 3), correction=0)
                statistics += [mean, (variance + SMALL).sqrt()]
        features: Tensor = self.feature_norm(torch.cat(statistics, 1))
        return features


def _over_picture(spec: Spec, widths: list[int], norm: Norm, stride: int | None, blocks: int) -> nn.Sequential:
    channels, *sides = spec.shape
    layers = stem(channels, widths[0], stride or shrinking_stride(min(sides)), norm)
    for number, (before, after) in enumerate(pairwise([widths[0], *widths])):
        layers += [nn.MaxPool2d(2, ceil_mode=True)] if number else []
        layers += [convolution(before, after, norm), *(Residual(after, norm) for _ in range(blocks))]
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """Two convolutions, added to what came in (He et al. 2016): at first nothing (De & Smith 2020, "SkipInit")."""

    def __init__(self, width: int, norm: Norm) -> None:
        super().__init__()
        second, its_norm, _ = convolution(width, width, norm)
        self.layers = nn.Sequential(convolution(width, width, norm), second, its_norm)
        self.gain = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.gain * self.layers(x))


def convolution(before: int, after: int, norm: Norm, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, norm and ReLU; weights keep the variance of what passes through (He et al. 2015)."""
    layer = nn.Conv2d(before, after, size, stride, size // 2)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(layer, norm_layer(norm, after, dims=2), nn.ReLU())


def shrinking_stride(side: int) -> int:
    """The power of two that brings ``side`` pixels to at most `SIDE`."""
    stride = 1
    while side > SIDE * stride:
        stride *= 2
    return stride


def stem(channels: int, width: int, stride: int, norm: Norm) -> list[nn.Module]:
    """Pictures smaller by ``stride``, a power of two: the first halving by a convolution, the others by one pooling."""
    if stride == 1:
        return [convolution(channels, width, norm)]
    layers: list[nn.Module] = [convolution(channels, width, norm, size=5, stride=2)]
    if stride > 2:
        pool = stride // 2
        layers.append(nn.MaxPool2d(pool + 1, pool, pool // 2))
    return layers


class Time(nn.Module):
    """Stages over time, each halving the steps of the one before; what lies beyond the true end is zero at each."""

    def __init__(self, spec: Spec, widths: list[int], norm: Norm, embedding: int) -> None:
        super().__init__()
        self.steps = StepEncoder(spec, embedding)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, 3, padding=1) for before, after in pairwise([self.steps.features, *widths])
        )
        self.norms = nn.ModuleList(norm_layer(norm, width) for width in widths)
        for layer in self.convolutions:
            assert isinstance(layer.weight, Tensor)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """The mean and the greatest value over the true steps, (B, 2 · the last width)."""
        x = self.steps(x)  # (B, T, F)
        x = (x * sequence_mask(length, x.shape[1])[..., None]).transpose(1, 2)
        for number, (layer, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            if number:
                # the zeros beyond the end are never the greatest; max_pool1d would fix how many steps an export takes
                x = F.max_pool2d(x[:, :, None], (1, 2), ceil_mode=True)[:, :, 0]
                length = (length + 1) // 2
            x = F.relu(normed(layer(x).transpose(1, 2), length, norm)).transpose(1, 2)  # (B, width, t)
        return torch.cat([mean_over_time(x.transpose(1, 2), length), x.amax(2)], 1)


def normed(x: Tensor, length: Tensor, norm: nn.Module) -> Tensor:
    """Steps (B, T, F) after ``norm``, which learns from the true ones alone; zero beyond."""
    true = sequence_mask(length, x.shape[1])
    if not norm.training or isinstance(norm, nn.Identity):
        return norm(x.flatten(0, 1)).view_as(x) * true[..., None]  # type: ignore[no-any-return]
    normalised = torch.zeros_like(x)
    normalised[true] = norm(x[true]).to(x.dtype)
    return normalised
