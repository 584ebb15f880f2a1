"""The forest plot of a study over several data sets: each mitigation on each of them, and in general."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from overcast.comparison.figures import margin_band
from overcast.core.words import translatable, translate
from overcast.html.page import Section
from overcast.html.style import BLACK, GREY, series
from overcast.study.outcomes import Families, Outcome

COLOURED = [look for look in map(series, range(280)) if look.colour != BLACK]
"""Of the data sets: black is the mean."""
LINE = 15
"""Pixels from one data set's line to the next."""
CAPTION = translatable(
    "Change against the baseline: each data set with the interval of the table below, which holds together with all "
    "others of the study; diamond: the mean over data sets, with the interval that its verdict is read off; thin grey "
    "line: where one more data set will lie with 95 %. Shaded: the margin."
)


def general_forest(effects: pd.DataFrame, general: pd.DataFrame, judged: Families) -> Section:
    """A panel a judged outcome and a block a mitigation: a line a data set, then the mean and the prediction.

    effects, general: see `overcast.comparison.general`.
    """
    outcomes, data = judged.judged, list(dict.fromkeys(effects["data"]))
    titles = [outcome.label for outcome in outcomes]
    figure = make_subplots(1, len(outcomes), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=titles)
    block = len(data) + 3  # lines, with the general ones and room
    tops = {cell: -block * number for number, cell in enumerate(general["cell"])}
    for at, outcome in enumerate(outcomes, 1):
        where = {"row": 1, "col": at}
        margin_band(figure, outcome, at)
        some = effects[effects["outcome"] == outcome.column]
        for number, (name, look) in enumerate(zip(data, COLOURED, strict=False)):
            rows = some[some["data"] == name]
            places = rows["cell"].map(tops) - number
            trace = {"name": name, "legendgroup": name, "showlegend": at == 1}
            _intervals(figure, rows, places, outcome, look.colour, 1.5, where)
            figure.add_scatter(
                x=outcome.scale * rows["change"], y=places, mode="markers", text=rows["cell"], **trace, **where,
                marker={"color": look.colour, "symbol": look.marker, "size": 7},
                hovertemplate="%{text} · " + name + ": %{x:+.3~g}<extra></extra>",
            )  # fmt: skip
        _in_general(figure, general, general["cell"].map(tops) - len(data), outcome, at)
        figure.update_xaxes(title=outcome.unit, **where)
    middle = [top - len(data) / 2 for top in tops.values()]
    figure.update_yaxes(tickvals=middle, ticktext=list(tops), range=[-block * len(tops) + 1, 1.5], showgrid=False)
    figure.update_annotations(font_size=12)
    return Section.from_figure(
        translate("What each one changes, by data set"),
        translate(CAPTION),
        figure,
        150 + LINE * block * len(tops),
        min_width=760,
    )


def _in_general(figure: go.Figure, general: pd.DataFrame, places: pd.Series, outcome: Outcome, at: int) -> None:
    where = {"row": 1, "col": at}
    column = outcome.column
    ends = {"low": general[f"change/{column}/low"], "high": general[f"change/{column}/high"]}
    new = {"low": general[f"prediction/{column}/low"], "high": general[f"prediction/{column}/high"]}
    _intervals(figure, pd.DataFrame(new), places - 0.9, outcome, GREY, 1, where)
    _intervals(figure, pd.DataFrame(ends), places, outcome, BLACK, 3, where)
    hover = translate(
        "%{text} in general: %{x:+.3~g} [%{customdata[0]:.3~g}, %{customdata[1]:.3~g}], one more data set "
        "[%{customdata[2]:.3~g}, %{customdata[3]:.3~g}]"
    )
    figure.add_scatter(
        x=outcome.scale * general[f"change/{column}"], y=places, mode="markers", text=general["cell"],
        name=translate("in general"), legendgroup="in general", showlegend=at == 1,
        marker={"color": BLACK, "symbol": "diamond", "size": 10}, **where,
        customdata=outcome.scale * np.stack([*ends.values(), *new.values()], 1),
        hovertemplate=hover + "<extra></extra>",
    )  # fmt: skip


def _intervals(
    figure: go.Figure, rows: pd.DataFrame, places: pd.Series, outcome: Outcome, colour: str, width: float,
    where: dict[str, int],
) -> None:  # fmt: skip
    ends = np.stack([rows["low"], rows["high"], np.full(len(rows), np.nan)], 1)
    figure.add_scatter(
        x=outcome.scale * ends.ravel(), y=np.repeat(places, 3), mode="lines", line={"color": colour, "width": width},
        showlegend=False, hoverinfo="skip", **where,
    )  # fmt: skip
