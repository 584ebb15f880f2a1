"""Spectrogram augmentation: every recording is heard as if from another voice, faster or slower, in another room.

Tempo (speed without pitch: Ko et al. 2015, "Audio Augmentation for Speech Recognition"), the bands stretched and moved
as a longer or shorter vocal tract does (Jaitly & Hinton 2013, "Vocal Tract Length Perturbation Improves Speech
Recognition"), louder or softer bands as by another microphone, a noise floor, and a few bands masked (Park et al. 2019,
"SpecAugment").

    python pipelines/train.py data=speech model=cnn "mitigation=[spectrogram_augmentation,batch_norm]"
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field, NonNegativeFloat
from torch import Tensor

from overcast.config.options import Share
from overcast.core.spec import Kind
from overcast.mitigation import Batch, Mitigation
from overcast.model._encoders import sequence_mask

Change = Annotated[float, Field(ge=0, le=0.9)]


def stretch_time(x: Tensor, length: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Spectrograms x (B, T, F) played ``factor`` (B,) times as long, and their new lengths (B,)."""
    stretched = (length * factor).round().long().clamp(min=1)
    steps = torch.arange(int(stretched.max()), device=x.device, dtype=x.dtype)
    place = (steps + 0.5) * (length / stretched)[:, None] - 0.5  # (B, T'): where each step comes from
    place = torch.minimum(place.clamp(min=0), length[:, None] - 1.0)
    x = _interpolate(x, place)
    return x * sequence_mask(stretched, x.shape[1])[..., None], stretched


def warp_bands(x: Tensor, factor: Tensor, shift: Tensor) -> Tensor:
    """Spectrograms x (B, T, F) whose bands are ``factor`` (B,) as wide, about the middle one, and moved up by ``shift``
    (B,) of their number; what comes in at the ends repeats the last band."""
    bands = x.shape[2]
    middle = (bands - 1) / 2
    band = torch.arange(bands, device=x.device, dtype=x.dtype) - middle
    place = band / factor[:, None] - shift[:, None] * bands + middle  # (B, F)
    return _interpolate(x.transpose(1, 2), place.clamp(0, bands - 1)).transpose(1, 2)


def _interpolate(x: Tensor, place: Tensor) -> Tensor:
    """Values (B, S', R) of x (B, S, R) at places (B, S') in between."""
    below = place.floor().long().clamp(max=max(0, x.shape[1] - 2))  # (B, S')
    share = (place - below)[..., None]
    rows = torch.arange(len(x), device=x.device)[:, None]
    return torch.lerp(x[rows, below], x[rows, (below + 1).clamp(max=x.shape[1] - 1)], share)


def equalize(x: Tensor, tilt: Tensor, gains: Tensor) -> Tensor:
    """Spectrograms x (B, T, F), each band louder or softer: by ``tilt`` (B,) at the top, as much the other way at the
    bottom, and by ``gains`` (B, F)."""
    slope = torch.linspace(-1, 1, x.shape[2], device=x.device, dtype=x.dtype)
    return x + (tilt[:, None] * slope + gains)[:, None]


def raise_floor(x: Tensor, length: Tensor, height: Tensor) -> Tensor:
    """Spectrograms x (B, T, F) of which no true step is lower in a band than its lowest there plus ``height`` (B,)."""
    beyond = ~sequence_mask(length, x.shape[1])[..., None]
    lowest = x.masked_fill(beyond, torch.inf).amin(1, keepdim=True)  # (B, 1, F)
    return torch.maximum(x, lowest + height[:, None, None])


def mask_bands(x: Tensor, width: int, start: Tensor) -> Tensor:
    """Spectrograms x (B, T, F) with ``width`` bands from ``start`` (B,) at 0, the mean of the train part."""
    band = torch.arange(x.shape[2], device=x.device)
    masked = (band >= start[:, None]) & (band < start[:, None] + width)  # (B, F)
    return x.masked_fill(masked[:, None], 0.0)


class SpectrogramAugmentation(Mitigation):
    """Each recording on its own. tempo: faster or slower, by up to this. stretch: of the bands, by up to this; shift:
    up or down, at most this share of them. tilt and gain: standard deviations of what is added to the bands, linear
    over them and each on its own; floor: the most that the lowest values are raised; noise: the standard deviation of
    what is added to each value; all four in units of the train part's spread. mask: the share of bands left out.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("spectrogram",)

    def __init__(
        self,
        tempo: Change = 0.25,
        stretch: Change = 0.12,
        shift: Share = 0.05,
        tilt: NonNegativeFloat = 0.3,
        gain: NonNegativeFloat = 0.1,
        floor: NonNegativeFloat = 1.5,
        noise: NonNegativeFloat = 0.1,
        mask: Share = 0.1,
    ) -> None:
        self.tempo, self.stretch, self.shift = tempo, stretch, shift
        self.tilt, self.gain, self.floor, self.noise, self.mask = tilt, gain, floor, noise, mask

    def batch(self, batch: Batch, generator: torch.Generator) -> Batch:
        x, length = batch.x, batch.length  # (B, T, F)
        size, bands, device = len(x), x.shape[2], x.device
        u = torch.rand(size, 5, generator=generator, device=device)  # drawn whatever is switched off
        normal = torch.randn(size, 1 + bands, generator=generator, device=device)
        if self.tempo:
            x, length = stretch_time(x, length, 1 + self.tempo * (2 * u[:, 0] - 1))
        if self.stretch or self.shift:
            x = warp_bands(x, 1 + self.stretch * (2 * u[:, 1] - 1), self.shift * (2 * u[:, 2] - 1))
        if self.tilt or self.gain:
            x = equalize(x, self.tilt * normal[:, 0], self.gain * normal[:, 1:])
        if self.floor:
            x = raise_floor(x, length, self.floor * u[:, 3])
        if self.noise:
            x = x + self.noise * torch.randn(x.shape, generator=generator, device=device)
        if width := round(self.mask * bands):
            x = mask_bands(x, width, (u[:, 4] * (bands - width + 1)).long())
        return batch._replace(x=x * sequence_mask(length, x.shape[1])[..., None], length=length)
