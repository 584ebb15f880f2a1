"""Figures that look alike: matplotlib's for pictures, Plotly's for what a reader may point at."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from matplotlib import rc_context, rcParams
from matplotlib.figure import Figure
from matplotlib.text import Text

from overcast.core.words import current_language, translate, use_language
from overcast.html.fonts import fallback_fonts, korean_font, missing_signs
from overcast.html.style import INK, PALE

DPI = 110
LONGEST_NAME = 40  # signs


def canvas(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, np.ndarray]:
    """A figure of this size in inches, and its axes (rows, columns); further options are those of ``subplots``.

    The figure is one of its own, outside pyplot: safe in threads, and nothing to close.
    """
    figure = Figure(figsize=(width, height), layout="constrained", dpi=DPI)
    panels = figure.subplots(rows, columns, squeeze=False, **options)
    for axes in panels.ravel():
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
    return figure, panels


def image_grid(
    rows: int,
    columns: int,
    cell: float,
    top: float = 0.3,
    left: float = 0.2,
    head: float = 0.0,
    right: float = 0.05,
    bottom: float = 0.05,
) -> tuple[Figure, np.ndarray]:
    """A figure of square cells without axes, each ``cell`` inches, with room above each for a line of text.

    left: room for a label in front of each row, in inches. head: room for the figure's title. right, bottom: room for
    what explains colours.
    """
    width, height = left + columns * (cell + 0.1) - 0.1 + right, rows * (cell + top) + head + bottom
    figure = Figure(figsize=(width, height), dpi=DPI)
    room = {"left": left / width, "right": 1 - right / width}
    room |= {"bottom": bottom / height, "top": 1 - (top + head) / height}
    room |= {"wspace": 0.1 / cell, "hspace": top / cell}
    panels = figure.subplots(rows, columns, squeeze=False, gridspec_kw=room)
    for axes in panels.ravel():
        axes.set_axis_off()
    return figure, panels


def png(figure: Figure) -> bytes:
    """The figure as the content of a PNG file, which depends on the figure alone: no version is written into it."""
    return _content(figure, "png", {"Software": None})


def pdf(figure: Figure) -> bytes:
    """The figure as the content of a PDF file, as `png`; its text stays text."""
    with rc_context({"pdf.fonttype": 42}):  # TrueType, which journals ask for
        content = _content(figure, "pdf", {"Creator": None, "Producer": None, "CreationDate": None})
    figure.set_layout_engine("none")  # all has its place now: to find it takes as long as to draw it
    return content


def svg(figure: Figure) -> bytes:
    """The figure as the content of an SVG file, as `png`; its text as outlines, which look alike everywhere."""
    with rc_context({"svg.hashsalt": "overcast"}):  # else ids are drawn anew each time
        return _content(figure, "svg", {"Creator": None, "Date": None})


def picture_text(text: str, **values: object) -> str:
    """As `overcast.core.words.translate`, for text in a picture: English where no font here has Korean letters."""
    if current_language() == "ko" and korean_font() is None:
        with use_language("en"):
            return translate(text, **values)
    return translate(text, **values)


def short(name: str) -> str:
    """A name, such as a class's, cut to what a figure has room for."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _content(figure: Figure, kind: str, metadata: Mapping[str, None]) -> bytes:
    """The figure as a file; letters in it that matplotlib's font lacks, as in a class's name, in one that has them."""
    stream = io.BytesIO()
    texts: list[Text] = figure.findobj(Text)
    for text in texts:
        text.set_parse_math(False)  # a dollar in a name begins no formula
    if not (missing := missing_signs(text.get_text() for text in texts)):
        figure.savefig(stream, format=kind, metadata=metadata)
        return stream.getvalue()
    families = [*rcParams["font.family"], *fallback_fonts(missing)]
    for text in texts:
        text.set_fontfamily(families)
    with rc_context({"font.family": families}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # has been said, by `fallback_fonts`
        figure.savefig(stream, format=kind, metadata=metadata)
    return stream.getvalue()


def layout(figure: go.Figure, height: int) -> go.Figure:
    """The Plotly figure on white, this many pixels high, its legend on top."""
    figure.update_layout(
        template="none", height=height, paper_bgcolor="white", plot_bgcolor="white", hovermode="closest",
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK}, margin={"l": 20, "r": 20, "t": 70, "b": 50},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "top", "yref": "container"},
    )  # fmt: skip
    figure.update_xaxes(gridcolor=PALE, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=PALE, zeroline=False, automargin=True, title_standoff=8)
    return figure
