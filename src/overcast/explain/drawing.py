"""How maps over a sample are drawn, the same everywhere on the page."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from overcast.html.style import SIGNED
from overcast.html.thumbnails import draw_sample


def draw_signed_map(
    axes: Axes, values: np.ndarray, ground: np.ndarray | None = None, limit: float | None = None
) -> None:
    """A map (H, W) in red (for the class) and blue (against it), over a faint picture where one is given."""
    limit = limit or float(np.abs(values).max()) or 1.0
    if ground is None:
        axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
        return
    draw_sample(axes, ground, faint=True)
    strength = np.clip(np.abs(values) / limit, 0, 1) ** 0.7 * 0.85
    axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, alpha=strength, interpolation="nearest")


def shorten(name: str, most: int = 26) -> str:
    """A file's name that fits over a cell, its end kept."""
    return name if len(name) <= most else "…" + name[1 - most :]
