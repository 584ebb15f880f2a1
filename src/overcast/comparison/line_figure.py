"""Lines with intervals: a mean over the repeats at each place, a line a group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from overcast.html.page import Section
from overcast.html.style import series
from overcast.statistics.estimates import repeated_mean


def line_figure(
    title: str,
    caption: str,
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    group: str,
    titles: tuple[str, str],
    log: Sequence[str] = (),
    percent: bool = False,
) -> Section:
    """``y`` over ``x`` of a table with one row a repeat, a line for each ``group``; ``log`` names log axes.

    With two repeats or more that differ, bars show 95 % intervals of the means; of a percentage, between 0 and 100.
    """
    figure = go.Figure()
    scale = 100 if percent else 1
    for i, (name, some) in enumerate(table.groupby(group, sort=False)):
        style = series(i)
        places, means, margins = [], [], []
        for place, values in some.groupby(x)[y]:
            places.append(place)
            means.append(scale * float(values.mean()))
            margins.append(scale * float(np.nan_to_num(repeated_mean(values.to_numpy(float)).margin)))
        figure.add_scatter(
            x=places, y=means, name=str(name), mode="lines+markers",
            line=style.plotly(), marker={"symbol": style.marker, "size": 8},
            error_y=None if "y" in log else _bars(means, margins, 100 if percent else np.inf),
        )  # fmt: skip
    ticks = sorted(table[x].unique())
    shown = {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]} if len(ticks) <= 12 else {}
    figure.update_xaxes(title=titles[0], type="log" if "x" in log else "linear", **shown)
    figure.update_yaxes(title=titles[1], type="log" if "y" in log else "linear", exponentformat="power")
    return Section.from_figure(title, caption, figure, 460, min_width=420)


def _bars(means: list[float], margins: list[float], most: float) -> dict[str, object]:
    upwards = np.minimum(margins, most - np.array(means))
    downwards = np.minimum(margins, means) if np.isfinite(most) else np.array(margins)
    return {"array": upwards, "arrayminus": downwards, "symmetric": False, "thickness": 1, "width": 3}
