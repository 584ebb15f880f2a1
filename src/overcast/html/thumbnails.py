"""Samples as pictures: a picture (C, H, W) uint8 as it is, a sequence (T, F) with time to the right."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from overcast.html.style import SAMPLE

SIDE = 64
"""Pixels of a thumbnail in a contact sheet."""

SPACE = 4
"""Pixels of white between two."""


def sample_pixels(sample: np.ndarray) -> np.ndarray:
    """A picture of three channels in its colours, of others as their mean in grey; a sequence's first feature lowest.

    Gives (h, w, 3) uint8. A sequence's darkest value is its least one, the brightest its greatest.
    """
    if sample.ndim == 2:
        values = np.asarray(sample, np.float64).T[::-1]  # (F, T)
        low, high = values.min(), values.max()
        shades = mpl.colormaps[SAMPLE]((values - low) / ((high - low) or 1))[..., :3]
        return np.ascontiguousarray(np.rint(255 * shades).astype(np.uint8))
    channels = sample if len(sample) == 3 else np.rint(sample.mean(0, keepdims=True)).repeat(3, 0)
    return np.ascontiguousarray(channels.transpose(1, 2, 0).astype(np.uint8))


def draw_sample(axes: Axes, sample: np.ndarray, faint: bool = False) -> None:
    """Draw one sample; its steps and features are the axes' units. faint: in pale grey, as the ground of a map."""
    pixels = sample_pixels(sample)
    if sample.ndim == 2:
        axes.imshow(pixels[::-1], aspect="auto", origin="lower", interpolation="nearest")
        return
    if faint:
        pixels = (255 - (255 - pixels.mean(2, keepdims=True).repeat(3, 2)) * 0.45).astype(np.uint8)
    axes.imshow(pixels, interpolation="nearest")


def thumbnail(sample: np.ndarray, side: int = SIDE, width: int | None = None) -> np.ndarray:
    """One sample as (side, width, 3) uint8, a square if not said otherwise; a small one's pixels stay sharp."""
    pixels = sample_pixels(sample)
    method = Image.Resampling.NEAREST if max(pixels.shape[:2]) < side else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(pixels).resize((width or side, side), method))


def contact_sheet(samples: Sequence[np.ndarray], columns: int, side: int = SIDE) -> np.ndarray:
    """Thumbnails row after row, on white: (h, w, 3) uint8."""
    step, rows = side + SPACE, -(-len(samples) // columns)
    sheet = np.full((rows * step, columns * step, 3), 255, np.uint8)
    for number, sample in enumerate(samples):
        top, left = step * (number // columns), step * (number % columns)
        sheet[top : top + side, left : left + side] = thumbnail(sample, side)
    return sheet
