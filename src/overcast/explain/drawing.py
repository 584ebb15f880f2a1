"""How pictures, spectrograms and maps are drawn, the same everywhere on the page."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

DPI = 110
SIGNED = "RdBu_r"  # red speaks for the class, blue against it; told apart by the colour-blind


def grid(rows: int, columns: int, cell: float, top: float = 0.3, left: float = 0.2) -> tuple[Figure, np.ndarray]:
    """A figure of square cells without axes, each ``cell`` inches, with room above each for a line of text.

    left: room for a label in front of each row, in inches.
    """
    wide, high = left + columns * (cell + 0.1), rows * (cell + top) + 0.05
    figure = Figure(figsize=(wide, high), dpi=DPI)
    room = {"left": left / wide, "right": 1 - 0.05 / wide, "bottom": 0.05 / high, "top": 1 - top / high}
    room |= {"wspace": 0.1 / cell, "hspace": top / cell}
    panels = figure.subplots(rows, columns, squeeze=False, gridspec_kw=room)
    for axes in panels.ravel():
        axes.set_axis_off()
    return figure, panels


def show(axes: Axes, sample: np.ndarray, faint: bool = False) -> None:
    """A picture (C, H, W) uint8; a sequence (T, F) with time to the right. faint: as the ground of a map."""
    if sample.ndim == 2:
        axes.imshow(sample.T, aspect="auto", origin="lower", cmap="magma", interpolation="nearest")
        return
    colours = sample.transpose(1, 2, 0) if len(sample) == 3 else np.repeat(sample.mean(0)[..., None], 3, 2)
    if faint:
        colours = 255 - (255 - np.repeat(colours.mean(2, keepdims=True), 3, 2)) * 0.45
    axes.imshow(colours.astype(np.uint8), interpolation="nearest")


def signed(axes: Axes, values: np.ndarray, ground: np.ndarray | None = None, limit: float | None = None) -> None:
    """A map (H, W) in red and blue about zero, over a faint picture where one is given."""
    limit = limit or float(np.abs(values).max()) or 1.0
    if ground is None:
        axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
        return
    show(axes, ground, faint=True)
    strength = np.clip(np.abs(values) / limit, 0, 1) ** 0.7 * 0.85
    axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, alpha=strength, interpolation="nearest")


def short(name: str, most: int = 26) -> str:
    """A file's name that fits over a cell, its end kept."""
    return name if len(name) <= most else "…" + name[1 - most :]
