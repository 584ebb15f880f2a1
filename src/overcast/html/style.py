"""The palette: which colour, dash and marker says what, in every figure and on every page.

Colours are Okabe & Ito's (2008), told apart by the colour-blind; a marker or a dash always says the same again, so
that nothing is lost in grey print.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

BLUE, ORANGE, GREEN, PINK, AMBER, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
INK, GREY, PALE = "#222222", "#666666", "#e0e0e0"
DARK_ORANGE = "#b34700"
"""For text: the orange itself is too pale to be read on white."""

SAMPLE, RESPONSE, SIGNED = "magma", "viridis", "RdBu_r"
"""Colour maps: of a sequence's values, of a layer's output, and of what is above or below zero."""

POSITIVE, NEGATIVE = "#b2182b", "#2166ac"
"""The two sides of `SIGNED` as plain colours."""

Dash = Literal["solid", "dash", "dot", "dashdot", "longdash"]
DASHES: dict[Dash, Any] = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (8, 3))}
"""Plotly's name of a dash → matplotlib's."""


@dataclass(frozen=True)
class LineStyle:
    """The looks of a line, by Plotly's names."""

    colour: str
    dash: Dash
    marker: str = "circle"

    def plotly(self) -> dict[str, Any]:
        """For a trace's ``line``."""
        return {"color": self.colour, "dash": self.dash, "width": 2}

    def matplotlib(self) -> dict[str, Any]:
        """For ``axes.plot``."""
        return {"color": self.colour, "linestyle": DASHES[self.dash]}


PARTS = {"train": LineStyle(BLUE, "solid"), "validation": LineStyle(ORANGE, "dash")}
"""Learning curves look so everywhere. DVC draws the first field in alphabetical order solid, the second dashed."""

_COLOURS = (BLUE, ORANGE, GREEN, PINK, BLACK, AMBER, SKY)
_MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "triangle-down")


def series(number: int) -> LineStyle:
    """The looks of the line of this number: 280 of them differ."""
    return LineStyle(_COLOURS[number % 7], [*DASHES][number % 5], _MARKERS[number % 8])
