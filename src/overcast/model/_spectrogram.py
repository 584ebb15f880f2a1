"""How networks read a spectrogram: as a picture of bands and time, whose true end the padding does not move."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.model import Norm, norm_layer
from overcast.model._encoders import sequence_mask


class SpectrogramEncoder(nn.Module):
    """Stages of one 3×3 convolution each over time and bands; each but the first halves both before.

    What lies beyond a sample's true end is zero at each stage. features: of each step of the result.
    """

    def __init__(self, bands: int, widths: Sequence[int], norm: Norm) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise([1, *widths])
        )
        self.norms = nn.ModuleList(norm_layer(norm, width) for width in widths)
        for layer in self.convolutions:
            assert isinstance(layer.weight, Tensor)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        for _ in widths[1:]:
            bands = (bands + 1) // 2
        self.features = widths[-1] * bands

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Steps (B, t, features) of a spectrogram (B, T, F), and the true number of them (B,)."""
        x = x * sequence_mask(length, x.shape[1])[..., None]
        maps = x[..., None].movedim(3, 1)  # (B, 1, T, F), channels last: twice as fast on a CPU
        for number, (layer, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            if number:
                maps = F.max_pool2d(maps, 2, ceil_mode=True)  # the zeros beyond the end are never the greatest
                length = (length + 1) // 2
            maps = F.relu(normed_maps(layer(maps), length, norm))  # (B, C, t, f)
        return maps.permute(0, 2, 1, 3).flatten(2), length


def normed_maps(maps: Tensor, length: Tensor, norm: nn.Module) -> Tensor:
    """Maps (B, C, T, F) after ``norm``, which learns from the true steps alone; zero beyond."""
    true = sequence_mask(length, maps.shape[2])  # (B, T)
    by_step = maps.permute(0, 2, 3, 1)  # (B, T, F, C)
    if norm.training and not isinstance(norm, nn.Identity):
        steps = by_step[true]  # (true steps, F, C)
        normalised = torch.zeros_like(by_step)
        normalised[true] = norm(steps.flatten(0, 1)).view_as(steps).to(maps.dtype)
    else:
        normalised = norm(by_step.flatten(0, 2)).view_as(by_step) * true[..., None, None]
    return normalised.permute(0, 3, 1, 2)
