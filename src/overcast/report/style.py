"""What all pictures share: colours, fonts, and what a picture is.

Colours are Okabe & Ito's, told apart by the colour-blind; a marker or a dash always says the same again, so
that nothing is lost in grey print.
"""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

BLUE, ORANGE, GREEN, PINK, AMBER, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
GREY, PALE, INK = "#767676", "#e6e6e6", "#222222"


@dataclass(frozen=True)
class Picture:
    """A figure, its title, and how to read it."""

    title: str
    caption: str
    figure: go.Figure


def styled(figure: go.Figure, height: int) -> go.Figure:
    """The figure on white, this many pixels high, its legend on top."""
    figure.update_layout(
        template="none", height=height, paper_bgcolor="white", plot_bgcolor="white", hovermode="closest",
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK}, margin={"l": 20, "r": 20, "t": 70, "b": 50},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "top", "yref": "container"},
    )  # fmt: skip
    figure.update_xaxes(gridcolor=PALE, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=PALE, zeroline=False, automargin=True, title_standoff=8)
    return figure
