"""Learning curves: over the epochs, a panel a cell, and over the size of the train part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from overcast.comparison.wording import cell
from overcast.config.metric_options import metric_options
from overcast.core.words import translatable, translate
from overcast.html.label_placement import folded
from overcast.html.page import Section
from overcast.html.style import PARTS, LineStyle, series
from overcast.study.outcomes import PRIMARY

METRICS = ("nll", "accuracy")
"""What the learning curves show."""

PART_NAMES = {"train": translatable("train"), "validation": translatable("validation")}


def learning(trials: pd.DataFrame, curves: pd.DataFrame) -> Section | None:
    """Train and validation over the epochs, a small panel a cell; buttons choose what is drawn."""
    if curves.empty:
        return None
    cells = trials.assign(label=[cell(row, trials["data"].nunique() > 1) for _, row in trials.iterrows()])
    joined = curves.merge(cells[["run_id", "label"]], on="run_id")
    labels = [label for label in dict.fromkeys(cells["label"]) if label in set(joined["label"])]
    if not labels:
        return None
    down = -(-len(labels) // 4)
    figure = make_subplots(
        down, 4, subplot_titles=[folded(label, 28, 2) for label in labels], shared_xaxes="all", shared_yaxes="all",
        horizontal_spacing=0.015, vertical_spacing=min(0.08, 0.3 / down),
    )  # fmt: skip
    of_label, traces = dict(iter(joined.sort_values(["run_id", "epoch"]).groupby("label"))), list[go.Scatter]()
    for i, label in enumerate(labels):
        for what in METRICS:
            for part, style in PARTS.items():
                shown, title = {"showlegend": i == 0, "visible": what == "nll"}, translate(PART_NAMES[part])
                name = {"name": title, "legendgroup": part, **shown}
                traces += _lines(of_label[label], f"{part}/{what}", style, name)
    places = np.repeat(np.arange(len(labels)), len(traces) // len(labels))
    figure.add_traces(traces, rows=(places // 4 + 1).tolist(), cols=(places % 4 + 1).tolist())
    half = [what == "nll" for _ in labels for what in METRICS for _ in range(4)]
    metrics = metric_options()
    switch = [
        {"label": translate(metrics[what].label), "method": "update", "args": [{"visible": shown}]}
        for what, shown in (("nll", half), ("accuracy", [not one for one in half]))
    ]
    figure.update_layout(
        updatemenus=[{"type": "buttons", "direction": "right", "buttons": switch, "x": 0.6, "xanchor": "center",
                      "y": 1, "yanchor": "bottom", "pad": {"b": 40}, "bgcolor": "white"}]
    )  # fmt: skip
    figure.update_annotations(font_size=12)
    figure.update_xaxes(dtick=max(1, round(joined["epoch"].max() / 5)))  # an epoch has no halves
    figure.update_xaxes(title=translate("epoch"), row=down)
    caption = translate("Thin: a line a repeat; thick: their mean. Solid is train, dashed is validation.")
    return Section.from_figure(translate("Learning curves, by epoch"), caption, figure, 150 + 165 * down, min_width=700)


def data_size(table: pd.DataFrame) -> Section | None:
    """The primary outcome over the share of the train part that was used."""
    if table["train_fraction"].nunique() < 2:
        return None
    panels = table.assign(panel=table["context"].map(_without_fraction)).groupby("panel", sort=False)
    figure = make_subplots(1, len(panels), subplot_titles=list(panels.groups), shared_yaxes=True)
    names = list(dict.fromkeys(table["mitigation"]))
    for at, (_, panel) in enumerate(panels, 1):
        for name, some in panel.sort_values("train_fraction").groupby("mitigation", sort=False):
            style = series(names.index(name))
            figure.add_scatter(
                x=100 * some["train_fraction"], y=100 * some[PRIMARY.column], name=str(name), mode="lines+markers",
                line=style.plotly(), marker={"symbol": style.marker, "size": 9},
                error_y=error_bars(some, PRIMARY.column) | {"thickness": 1}, legendgroup=str(name), showlegend=at == 1,
                row=1, col=at,
            )  # fmt: skip
    shares = sorted(100 * table["train_fraction"].unique())
    figure.update_xaxes(
        title=translate("share of the train part, %"), type="log", tickvals=shares, ticktext=[f"{s:g}" for s in shares]
    )
    figure.update_yaxes(title=f"{PRIMARY.label}, %", col=1)
    caption = translate("Bars: 95 % intervals of the means.")
    return Section.from_figure(translate("Learning curves over data size"), caption, figure, 480, min_width=520)


def error_bars(rows: pd.DataFrame, column: str) -> dict[str, pd.Series]:
    """A column's intervals in points, as Plotly takes them; no bar where there is none."""
    up, down = rows[f"{column}/high"] - rows[column], rows[column] - rows[f"{column}/low"]
    return {"array": 100 * up.fillna(0), "arrayminus": 100 * down.fillna(0)}


def _lines(rows: pd.DataFrame, column: str, style: LineStyle, name: dict[str, object]) -> list[go.Scatter]:
    """Each run's own line, pale, and the mean over the runs at each epoch. rows: run by run, in order."""
    known = rows[rows[column].notna()]
    mean = known.groupby("epoch")[column].mean()
    ends = np.flatnonzero(known["run_id"].ne(known["run_id"].shift(-1))) + 1
    lines = [np.insert(known[name].to_numpy(float).round(3), ends, np.nan) for name in ("epoch", column)]
    # as objects: text that is shorter than numbers in base 64, and Plotly takes four times as long for lists
    x, y = (np.array([None if np.isnan(each) else each for each in values.tolist()], object) for values in lines)
    pale = {"color": style.colour, "width": 0.7}
    every = go.Scatter(
        x=x, y=y, mode="lines", line=pale, opacity=0.35, hoverinfo="skip", **{**name, "showlegend": False}
    )
    shown = "lines" if len(mean) > 1 else "markers"  # one point makes no line
    return [every, go.Scatter(x=mean.index.to_numpy(), y=mean.to_numpy(), mode=shown, line=style.plotly(), **name)]


def _without_fraction(context: str) -> str:
    return " · ".join(part for part in context.split(" · ") if not part.startswith("train_fraction="))
