"""The forest plot on paper: what the report's "What each one changes" shows, drawn by matplotlib for print and docs."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from overcast.comparison.figures import KINDS, STYLES
from overcast.comparison.wording import cell
from overcast.core.words import translate
from overcast.html.figures import canvas
from overcast.html.style import BLACK, PALE
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import Families, Outcome

MARKERS = {"circle": "o", "circle-open": "o", "diamond": "D", "square": "s", "x": "x", "star": "*"}
"""Plotly's name of a marker → matplotlib's."""

LABEL_WIDTH = 36
"""Characters of a cell's name on a line."""


def forest_plot(table: pd.DataFrame, judged: Families) -> Figure | None:
    """The change of each judged outcome against the baseline, a panel each; None where nothing is compared.

    table: as `comparison_table` gives it. Lines are simultaneous intervals, the band is the margin inside which a
    difference counts as equivalent; a marker says what the interval does.
    """
    rows = table[table["pairs"] >= 2].iloc[::-1]
    if rows.empty:
        return None
    several = table["data"].nunique() > 1
    names = [cell(row, several).replace("+", " + ") for _, row in rows.iterrows()]
    labels = [textwrap.fill(name, LABEL_WIDTH, break_on_hyphens=False) for name in names]
    lines = np.array([label.count("\n") + 1 for label in labels])
    heights = 0.14 + 0.16 * lines  # inches
    places = np.cumsum(heights) - heights / 2  # (cells,) from below
    outcomes = judged.judged
    figure, (panels,) = canvas(2.6 + 2.4 * len(outcomes), 1.2 + heights.sum(), 1, len(outcomes), sharey=True)
    for axes, outcome in zip(panels, outcomes, strict=True):
        _panel(axes, rows, outcome, places)
    panels[0].set_yticks(places, labels, parse_math=False)
    panels[0].set_ylim(-0.05, heights.sum() + 0.05)
    _legend(figure, rows, outcomes)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, outcome: Outcome, places: np.ndarray) -> None:
    column, scale = f"change/{outcome.column}", outcome.scale
    axes.axvspan(-scale * outcome.margin, scale * outcome.margin, color=PALE, alpha=0.5, linewidth=0)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    for place, (_, row) in zip(places, rows.iterrows(), strict=True):
        colour, marker = STYLES[_kind(row, outcome)]
        ends = [scale * row[f"{column}/low"], scale * row[f"{column}/high"]]
        axes.plot(ends, [place, place], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(scale * row[column], place, **_marker(colour, marker))
    axes.set_title(textwrap.fill(outcome.label, 26, break_on_hyphens=False), fontsize=10)
    axes.set_xlabel(f"{translate('change')}, {outcome.unit}" if outcome.unit else translate("change"), fontsize=9)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _kind(row: pd.Series, outcome: Outcome) -> str:
    """Of `STYLES`."""
    return KINDS[Verdict(row[f"verdict/{outcome.column}"])]


def _marker(colour: str, marker: str) -> dict[str, Any]:
    face = "white" if marker.endswith("-open") else colour
    return {
        "color": colour, "marker": MARKERS[marker], "markerfacecolor": face, "markersize": 6, "markeredgewidth": 1.5,
    }  # fmt: skip


def _legend(figure: Figure, rows: pd.DataFrame, outcomes: tuple[Outcome, ...]) -> None:
    """The verdicts that there are, below the panels."""
    found = {_kind(row, outcome) for _, row in rows.iterrows() for outcome in outcomes}
    kinds = [kind for kind in STYLES if kind in found]
    axes = figure.axes[0]
    handles = [axes.plot([], [], linewidth=2, label=translate(kind), **_marker(*STYLES[kind]))[0] for kind in kinds]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(kinds), frameon=False, fontsize=9)
