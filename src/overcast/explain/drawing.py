"""How maps over a sample are drawn, the same everywhere on the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from overcast.explain.colour_bar import ColourScale, plain_number
from overcast.html.figures import picture_text
from overcast.html.style import GREY, PALE, SIGNED
from overcast.html.thumbnails import draw_sample

SMALLEST = 4
"""Places a side below which a map points at nothing, and is not drawn."""


def signed_scale(limit: float, unit: str, number: Callable[[float], str] = plain_number) -> ColourScale:
    """The colours of `draw_signed_map` over a picture."""
    return ColourScale(SIGNED, -limit, limit, unit, number, partial(_strength, limit=limit), symmetric=True)


def draw_signed_map(
    axes: Axes, values: np.ndarray, ground: np.ndarray | None = None, limit: float | None = None
) -> None:
    """A map (H, W) in red (for the class) and blue (against it), over a faint picture where one is given."""
    limit = limit or float(np.abs(values).max()) or 1.0
    if ground is None:
        axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
        return
    draw_sample(axes, ground, faint=True)
    strength = _strength(values, limit)
    axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, alpha=strength, interpolation="nearest")


def _strength(values: np.ndarray, limit: float) -> np.ndarray:
    """How much of the picture below a map's values cover, from 0 to 0.85."""
    strength: np.ndarray = np.clip(np.abs(values) / limit, 0, 1) ** 0.7 * 0.85
    return strength


def draw_nothing(axes: Axes, why: str) -> None:
    """A grey field with a word on why there is nothing to be seen, in English."""
    axes.set_axis_off()
    axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, color=PALE))
    axes.text(0.5, 0.5, picture_text(why), transform=axes.transAxes, ha="center", va="center", size=7, color=GREY)


def is_constant(values: np.ndarray) -> bool:
    """Whether a map is the same everywhere, and so shows nothing."""
    return bool(np.ptp(values) <= 1e-9 * max(1e-9, float(np.abs(values).max())))


def shorten(name: str, most: int = 26) -> str:
    """A file's name that fits over a cell, its end kept."""
    return name if len(name) <= most else "…" + name[1 - most :]


def short_head(name: str, most: int = 15) -> str:
    """A class's name, or several, that fits over a cell, its beginning kept."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
