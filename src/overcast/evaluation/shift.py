"""Accuracy under shift: on the test pictures with noise, blur, fog and other light, in the manner of ImageNet-C.

Hendrycks & Dietterich (2019), "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations": five of
their kinds at the severities 1, 3 and 5, with the numbers of their set for pictures of 64 pixels (Tiny ImageNet-C); the
blur grows with the picture, about as in their sets for 32 and 224 pixels. Every picture's draws are its own, keyed by
kind, severity and row of the pack: all runs on a pack are measured on the same pictures. The network has seen none of
this in training, but for what augmentation or noise made similar: that is what much regularisation is for.

A synthetic data set may render a shift instead of laying it over finished pictures: `skies` draws the same scenes in
fog that thickens with their depth, and overexposed. Weather is told by its light: on `skies` and `weather` strong fog
can make another class true. The mean of each kind stands by itself too. Costs fifteen passes over the test part.

    python pipelines/evaluate.py run=latest shift=true
    python pipelines/train.py +study=small "study.outcomes=[nll,accuracy,shift_accuracy]"
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from overcast.core.errors import UserError
from overcast.core.seeding import derive_seed
from overcast.core.spec import Kind
from overcast.training.batch_loader import evaluation_batch
from overcast.training.plan import n_batches

if TYPE_CHECKING:
    from overcast.data import DataSet
    from overcast.prediction.trained_network import TrainedNetwork
    from overcast.prepare.pack import Pack

SIDE = 64
"""Pixels of the pictures that the numbers below are for."""

SEVERITIES = (1, 3, 5)
NOISE = {1: 0.04, 3: 0.12, 5: 0.18}
"""Standard deviation, of values from 0 to 1."""
BLUR = {1: 0.5, 3: 1.0, 5: 1.5}
"""Standard deviation in pixels, of `SIDE`."""
FOG = {1: (0.4, 3.0), 3: (1.0, 2.5), 5: (2.0, 1.75)}
"""How much of it, and by how much its details are weaker than its large clouds."""
BRIGHTNESS = {1: 0.1, 3: 0.3, 5: 0.5}
"""Added to the value of each pixel, in the sense of HSV."""
CONTRAST = {1: 0.4, 3: 0.2, 5: 0.05}
"""What is left of the distance to the mean of each channel."""

Draws = list[np.random.Generator]
"""One a picture."""


def gaussian_noise(x: np.ndarray, severity: int, draws: Draws) -> np.ndarray:
    """Pictures x (B, C, H, W) from 0 to 1, here and below."""
    noise = np.stack([draw.standard_normal(x.shape[1:], np.float32) for draw in draws])
    noisy: np.ndarray = x + NOISE[severity] * noise
    return noisy


def gaussian_blur(x: np.ndarray, severity: int, _: Draws) -> np.ndarray:
    scale = min(x.shape[2:]) / SIDE
    sigma = BLUR[severity] * max(scale, scale**0.5)
    blurred: np.ndarray = gaussian_filter(x, (0, 0, sigma, sigma), mode="nearest")
    return blurred


def fog(x: np.ndarray, severity: int, draws: Draws) -> np.ndarray:
    """Bright clouds over the picture, which keeps its own highest value."""
    amount, decay = FOG[severity]
    height, width = x.shape[2:]
    size = 2 ** max(1, (max(height, width) - 1).bit_length())
    clouds = plasma(np.stack([2 * draw.random((size, size), np.float32) - 1 for draw in draws]), decay)
    top = x.max((1, 2, 3), keepdims=True)
    fogged: np.ndarray = (x + amount * clouds[:, None, :height, :width]) * top / (top + amount)
    return fogged


def brightness(x: np.ndarray, severity: int, _: Draws) -> np.ndarray:
    """Hue and saturation stay; black becomes grey."""
    value = x.max(1, keepdims=True)
    lighter = np.minimum(value + BRIGHTNESS[severity], 1)
    brighter: np.ndarray = np.where(value > 0, x * (lighter / np.where(value > 0, value, 1)), lighter)
    return brighter


def contrast(x: np.ndarray, severity: int, _: Draws) -> np.ndarray:
    mean = x.mean((2, 3), keepdims=True)
    faded: np.ndarray = (x - mean) * CONTRAST[severity] + mean
    return faded


KINDS: dict[str, Callable[[np.ndarray, int, Draws], np.ndarray]] = {
    each.__name__: each for each in (gaussian_noise, gaussian_blur, fog, brightness, contrast)
}


def plasma(drawn: np.ndarray, decay: float) -> np.ndarray:
    """Cloudy maps (B, S, S) from 0 to 1, S a power of two: midpoints displaced (Fournier, Fussell & Carpenter 1982).

    drawn: (B, S, S) in [-1, 1), the displacement of each point; it falls by ``decay`` squared from one scale to the
    next. What leaves at an edge comes in at the opposite one.
    """
    heights, amplitude, step = np.zeros_like(drawn), 1.0, drawn.shape[-1]
    while step > 1:
        half = step // 2
        corners = heights[:, ::step, ::step]
        below, right = np.roll(corners, -1, 1), np.roll(corners, -1, 2)
        centres = (corners + below + right + np.roll(below, -1, 2)) / 4 + amplitude * drawn[:, half::step, half::step]
        heights[:, half::step, half::step] = centres
        for place, (end, axis) in (
            (np.s_[:, ::step, half::step], (right, 1)),
            (np.s_[:, half::step, ::step], (below, 2)),
        ):
            heights[place] = (corners + end + centres + np.roll(centres, 1, axis)) / 4 + amplitude * drawn[place]
        step, amplitude = half, amplitude / decay**2
    heights -= heights.min((1, 2), keepdims=True)
    highest = heights.max((1, 2), keepdims=True)
    clouds: np.ndarray = np.divide(heights, highest, out=np.zeros_like(heights), where=highest > 0)
    return clouds


def corrupted(pictures: np.ndarray, kind: str, severity: int, rows: np.ndarray) -> np.ndarray:
    """The same pictures (B, C, H, W) uint8, corrupted. rows: their rows (B,) of the pack."""
    draws = [np.random.default_rng(derive_seed("shift", kind, severity, int(row))) for row in rows]
    values = KINDS[kind](pictures.astype(np.float32) / 255, severity, draws)
    pixels: np.ndarray = np.rint(255 * values.clip(0, 1)).astype(np.uint8)
    return pixels


@dataclass(frozen=True)
class ShiftAccuracy:
    """kinds: the mean accuracy of each kind. of_rows: (N,) the share of each row's pictures that are told right."""

    kinds: dict[str, float]
    of_rows: np.ndarray

    @property
    def mean(self) -> float:
        """Over all kinds and severities."""
        return float(self.of_rows.mean())


def shift_accuracy(
    trained: TrainedNetwork, pack: Pack, rows: np.ndarray, dataset: DataSet | None = None
) -> ShiftAccuracy:
    """How often a network is right on corrupted pictures of these rows (N,), in eval mode.

    dataset: the synthetic one that they are of, which may render them anew.

    Raises: UserError if they are no pictures.
    """
    refuse_unshiftable(pack.info["name"], pack.spec.kind)

    def shifted(pictures: np.ndarray, kind: str, severity: int, some: np.ndarray) -> np.ndarray:
        rendered = dataset.shifted(pack.index["file"][some].tolist(), kind, severity) if dataset else None
        return corrupted(pictures, kind, severity, some) if rendered is None else rendered

    right = []
    with torch.inference_mode():
        for some in np.array_split(rows, n_batches(len(rows), evaluation_batch(pack.spec))):
            pictures, length = pack.gather(some)
            right.append([
                [_predicted(trained, shifted(pictures, kind, severity, some), length) == pack.labels[some]
                 for severity in SEVERITIES]
                for kind in KINDS
            ])  # fmt: skip
    found = np.concatenate(right, axis=2)  # (kinds, severities, N)
    return ShiftAccuracy(dict(zip(KINDS, found.mean((1, 2)).tolist(), strict=True)), found.mean((0, 1)))


def _predicted(trained: TrainedNetwork, pictures: np.ndarray, length: np.ndarray) -> np.ndarray:
    classes: np.ndarray = trained.answer(torch.from_numpy(pictures), torch.from_numpy(length)).argmax(1).numpy()
    return classes


def refuse_unshiftable(data: str, kind: Kind) -> None:
    """Raises: UserError if data of this kind cannot be corrupted here."""
    if kind != "image":
        raise UserError(
            f"shift_accuracy is measured on pictures, and data={data} is of kind {kind}: leave it out of study.outcomes"
        )
