"""What a map's colours mean: a bar beside it with the numbers at its ends, and their unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from overcast.html.figures import picture_text

SIZE = 7  # points
STEPS = 128
Side = Literal["left", "center", "right"]


def plain_number(value: float) -> str:
    """As in 0.21 or 1.3e+03."""
    return f"{value:.2g}"


def percent(value: float) -> str:
    """As in 12% or 0.4%."""
    return f"{value:.0%}" if abs(value) >= 0.095 or not value else f"{value:.1%}"


@dataclass(frozen=True)
class ColourScale:
    """From ``low`` to ``high`` along a colour map of matplotlib's. unit: what the numbers are, in English.

    strength: how much (…,) of the white below shows no more, for values (…,): all of it where None. symmetric: the
    middle of the colour map is zero, whichever ends are shown.
    """

    cmap: str
    low: float
    high: float
    unit: str
    number: Callable[[float], str] = plain_number
    strength: Callable[[np.ndarray], np.ndarray] | None = None
    symmetric: bool = False

    @property
    def ticks(self) -> list[float]:
        """The ends, and zero where that is between them."""
        return [self.low, *([0.0] if self.low < 0 < self.high else []), self.high]

    @property
    def labels(self) -> list[str]:
        """The ticks as text."""
        return [self.number(tick).replace("-", "−") for tick in self.ticks]

    @property
    def colours(self) -> np.ndarray:
        """The colours (STEPS, 3) from one end to the other."""
        values = np.linspace(self.low, self.high, STEPS)
        norm = mpl.colors.Normalize(-self.high if self.symmetric else self.low, self.high)
        colours: np.ndarray = mpl.colormaps[self.cmap](norm(values))[:, :3]
        if self.strength is None:
            return colours
        strength = self.strength(values)[:, None]
        return np.asarray(colours * strength + (1 - strength))


def bar_below(axes: Axes, scale: ColourScale, size: float = 0.07) -> None:
    """A bar under the axes, as wide as they are and ``size`` of their height."""
    bar = axes.inset_axes((0, -0.05 - size, 1, size))
    bar.imshow(scale.colours[None], aspect="auto", extent=(scale.low, scale.high, 0, 1))
    bar.set_yticks([])
    bar.set_xticks(scale.ticks, scale.labels)
    for label, side in zip(bar.get_xticklabels(), _sides(len(scale.ticks)), strict=True):
        label.set_horizontalalignment(side)  # none beside the map's own edges
    bar.set_xlabel(picture_text(scale.unit), size=SIZE, labelpad=1)
    _thin(bar)


def bar_right(axes: Axes, scale: ColourScale, size: float = 0.09) -> None:
    """A bar to the right of the axes, as high as they are and ``size`` of their width."""
    bar = axes.inset_axes((1.08, 0, size, 1))
    bar.imshow(scale.colours[:, None], aspect="auto", origin="lower", extent=(0, 1, scale.low, scale.high))
    bar.yaxis.tick_right()
    bar.yaxis.set_label_position("right")
    bar.set_xticks([])
    bar.set_yticks(scale.ticks, scale.labels)
    bar.set_ylabel(picture_text(scale.unit), size=SIZE, labelpad=2)
    _thin(bar)


def _sides(number: int) -> tuple[Side, ...]:
    return ("left", "center", "right") if number == 3 else ("left", "right")


def _thin(bar: Axes) -> None:
    bar.tick_params(labelsize=SIZE, length=1.5, pad=1.5)
    for spine in bar.spines.values():
        spine.set_linewidth(0.4)
