"""Augmentation: every picture is seen mirrored, moved, zoomed, lighter or darker, and never twice the same.

Expected: a smaller gap at the same number of epochs, and worth training longer. Costs a tenth of a training
step, a fifth of a fast network's. Writing has a left and a right: flip is 0 there.

    python pipelines/train.py data=weather model=cnn mitigation=augmentation
    python pipelines/train.py data=digits model=cnn mitigation=augmentation mitigation.augmentation.flip=0
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import NonNegativeFloat
from torch import Tensor
from torch.nn import functional as F

from overcast.config.options import Share
from overcast.core.spec import Kind
from overcast.mitigation import Batch, Mitigation


def mirror(x: Tensor, chance: float, u: Tensor) -> Tensor:
    """Pictures x (B, C, H, W), a share ``chance`` of them mirrored left to right. u: (B,) in [-1, 1)."""
    chosen = u < 2 * chance - 1  # (B,)
    return torch.where(chosen[:, None, None, None], x.flip(-1), x)


def place(x: Tensor, shift: float, zoom: float, u: Tensor) -> Tensor:
    """Pictures x (B, C, H, W) moved by up to ``shift`` of their side and zoomed by up to 1 + ``zoom``.

    u: (B, 3) in [-1, 1): zoom, shift to the side, shift up or down. What comes in at edges is reflected.
    """
    height, width = x.shape[2:]
    zoomed = (1 + zoom) ** u[:, :1]  # (B, 1)
    columns = _centres(width, x) * zoomed + 2 * shift * u[:, 1:2]  # (B, W)
    rows = _centres(height, x) * zoomed + 2 * shift * u[:, 2:3]  # (B, H)
    grid = torch.stack(  # (B, H, W, 2): where each pixel comes from
        [columns[:, None, :].expand(-1, height, -1), rows[:, :, None].expand(-1, -1, width)], dim=-1
    )
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def light(x: Tensor, brightness: float, contrast: float, u: Tensor) -> Tensor:
    """Pictures x (B, C, H, W) times 1 ± ``contrast`` about their own mean, plus or minus ``brightness``.

    u: (B, 2) in [-1, 1): brightness, contrast. The unit of brightness is the spread of the train part.
    """
    mean = x.mean((1, 2, 3))  # (B,)
    factor = 1 + contrast * u[:, 1]  # (B,)
    offset = mean * (1 - factor) + brightness * u[:, 0]  # (B,)
    return x * factor[:, None, None, None] + offset[:, None, None, None]


def cast(x: Tensor, strength: float, u: Tensor) -> Tensor:
    """Pictures x (B, C, H, W) with their channels mixed at random, which tints them: by up to ``strength`` in all.

    u: (B, C, C) in [-1, 1).
    """
    channels = x.shape[1]
    mix = torch.eye(channels, device=x.device, dtype=x.dtype) + strength / channels * u
    return torch.einsum("bij,bjhw->bihw", mix, x)


def _centres(pixels: int, like: Tensor) -> Tensor:
    """The centres of ``pixels`` equal parts of [-1, 1]."""
    return (torch.arange(pixels, device=like.device, dtype=like.dtype) * 2 + 1) / pixels - 1


class Augmentation(Mitigation):
    """Random mirroring, placing and light, each picture on its own (Krizhevsky, Sutskever & Hinton 2012).

    flip is a probability, shift a share of the side, zoom and contrast are shares of size and contrast,
    brightness is in units of the train part's spread, and cast mixes that much of the other colours into each.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)

    def __init__(
        self,
        flip: Share = 0.5,
        shift: Share = 0.15,
        zoom: NonNegativeFloat = 0.4,
        brightness: NonNegativeFloat = 0.4,
        contrast: Share = 0.4,
        cast: Share = 0.0,
    ) -> None:
        self.flip, self.shift, self.zoom = flip, shift, zoom
        self.brightness, self.contrast, self.cast = brightness, contrast, cast

    def batch(self, batch: Batch, generator: torch.Generator) -> Batch:
        x = batch.x  # (B, C, H, W)
        u = torch.rand(len(x), 6, generator=generator, device=x.device) * 2 - 1  # whatever is switched off
        if self.shift or self.zoom:
            x = place(x, self.shift, self.zoom, u[:, :3])
        if self.flip:
            x = mirror(x, self.flip, u[:, 3])
        if self.brightness or self.contrast:
            x = light(x, self.brightness, self.contrast, u[:, 4:])
        if self.cast:
            channels = x.shape[1]
            x = cast(x, self.cast, torch.rand(len(x), channels, channels, generator=generator, device=x.device) * 2 - 1)
        return batch._replace(x=x)
