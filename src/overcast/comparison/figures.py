"""The study's figures: each takes the comparison's table (or the curves) and gives a section with a Plotly figure.

A figure that the study has no data for is None.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from overcast.comparison import PRIMARY
from overcast.comparison.curves import data_size, error_bars, learning
from overcast.comparison.wording import CHANGE, cell, number, places
from overcast.html.label_placement import text_positions
from overcast.html.page import Section
from overcast.html.style import BLACK, BLUE, GREY, INK, ORANGE

STYLES = {  # colour, marker; an open circle, and grey, is what is not clear
    "clearly better": (BLUE, "circle"),
    "clearly worse": (ORANGE, "diamond"),
    "not clear at this size": (GREY, "circle-open"),
    "baseline": (BLACK, "square"),
}


def study_figures(table: pd.DataFrame, trials: pd.DataFrame, curves: pd.DataFrame) -> list[Section]:
    """Every figure that the study has data for."""
    every = [forest(table), accuracy_against_gap(table), heatmap(table), data_size(table), learning(trials, curves)]
    return [section for section in every if section is not None]


def forest(table: pd.DataFrame) -> Section | None:
    """The change of the primary outcome for each comparison, with both intervals."""
    rows = _kinds(table[table["pairs"] >= 2]).iloc[::-1]
    if rows.empty:
        return None
    figure = go.Figure()
    figure.add_vline(0, line_color=BLACK, line_width=1)
    for kind in (kind for kind in STYLES if kind in set(rows["kind"])):
        some = rows[rows["kind"] == kind]
        colour, marker = STYLES[kind]
        for column, width, opacity in (("overlap", 1, 0.6), (CHANGE, 4, 1)):
            ends = np.stack([some[f"{column}/low"], some[f"{column}/high"], np.full(len(some), np.nan)], 1)
            figure.add_scatter(
                x=100 * ends.ravel(), y=np.repeat(some["label"], 3), mode="lines", opacity=opacity,
                line={"color": colour, "width": width}, showlegend=False, hoverinfo="skip", legendgroup=kind,
            )  # fmt: skip
        figure.add_scatter(
            x=100 * some[CHANGE], y=some["label"], mode="markers", name=kind, legendgroup=kind,
            marker={"color": colour, "symbol": marker, "size": 11, "line": {"width": 2, "color": colour}},
            customdata=some[[f"{CHANGE}/low", f"{CHANGE}/high"]] * 100,
            hovertemplate="%{y}: %{x:+.2f} points [%{customdata[0]:.2f}, %{customdata[1]:.2f}]<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(categoryorder="array", categoryarray=list(rows["label"]), range=[-0.7, len(rows) - 0.3])
    figure.update_xaxes(title=f"change in {PRIMARY.label} against the baseline, percentage points")
    caption = "Thick: 95 % interval of the paired difference. Thin: the same, widened for overlapping train parts."
    return Section.from_figure("What each one changes", caption, figure, 150 + 27 * len(rows), min_width=520)


def accuracy_against_gap(table: pd.DataFrame) -> Section | None:
    """Accuracy against the gap."""
    rows = _kinds(table[table["gap/accuracy"].notna()])
    if rows.empty:
        return None
    x, y = 100 * rows["gap/accuracy"], 100 * rows[PRIMARY.column]
    positions = text_positions(x.to_numpy(float), y.to_numpy(float), list(rows["label"]))
    rows = rows.assign(x=x, y=y, position=positions)
    figure = go.Figure()
    for kind in (kind for kind in STYLES if kind in set(rows["kind"])):
        some = rows[rows["kind"] == kind]
        colour, marker = STYLES[kind]
        bars = {"color": "#c8c8c8", "thickness": 1, "width": 0}
        figure.add_scatter(
            x=some["x"], y=some["y"], mode="markers+text", name=kind, text=some["label"], textposition=some["position"],
            textfont={"size": 12, "color": INK}, cliponaxis=False,
            error_x=error_bars(some, "gap/accuracy") | bars, error_y=error_bars(some, PRIMARY.column) | bars,
            marker={"color": colour, "symbol": marker, "size": 10, "line": {"width": 2, "color": colour}},
            hovertemplate="%{text}: %{y:.1f} %, gap %{x:.1f} points<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="gap: train minus test accuracy, percentage points")
    figure.update_yaxes(title=f"{PRIMARY.label}, %")
    caption = "Up and to the left is better: more accurate, and less overfitted. Bars: 95 % intervals of the means."
    return Section.from_figure("Accuracy against the gap", caption, figure, 560, min_width=520)


def heatmap(table: pd.DataFrame) -> Section | None:
    """Network (or whatever else was swept) × mitigation."""
    if table["context"].nunique() < 2 or table["mitigation"].nunique() < 2:
        return None
    table = table.assign(order=np.where(table["is_baseline"], np.inf, table[CHANGE]))
    order = table.groupby("mitigation")["order"].mean().sort_values(ascending=False).index
    down = list(dict.fromkeys(table["context"]))[::-1]
    digits = places(table)

    def pivoted(values: pd.Series) -> pd.DataFrame:
        shaped = table.assign(v=values).pivot_table(index="context", columns="mitigation", values="v", aggfunc="first")
        return shaped.reindex(index=down, columns=order)

    change = 100 * table[CHANGE].where(~table["is_baseline"], 0.0)
    texts = [
        f"{'<b>' if clear else ''}{number(mean, digits)}{' ●</b>' if clear else ''}"
        for mean, clear in zip(table[PRIMARY.column], table["clear"], strict=True)
    ]
    limit = max(float(change.abs().max()), 0.1)
    figure = go.Figure(
        go.Heatmap(
            z=pivoted(change),
            x=list(order),
            y=down,
            text=pivoted(pd.Series(texts, table.index)).fillna(""),
            texttemplate="%{text}",
            colorscale=[[0, ORANGE], [0.5, "#ffffff"], [1, BLUE]],
            zmid=0,
            zmin=-1.6 * limit,
            zmax=1.6 * limit,
            xgap=2,
            ygap=2,
            hovertemplate="%{y}, %{x}: %{text} %, change %{z:+.1f} points<extra></extra>",
            hoverongaps=False,
            colorbar={"title": {"text": "change,<br>points"}, "thickness": 12},
        )
    )
    figure.update_xaxes(side="top", tickangle=-40, showgrid=False, tickmode="linear")
    figure.update_yaxes(showgrid=False, tickmode="linear")
    caption = f"Numbers: {PRIMARY.label} in %. Colour: change against that row's baseline. Bold with ●: clear."
    return Section.from_figure("Networks × mitigations", caption, figure, 200 + 44 * len(down), min_width=520)


def _kinds(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a ``label`` and the ``kind`` of `STYLES` of each row."""
    several = table["data"].nunique() > 1
    verdict = np.where(table[CHANGE] > 0, "clearly better", "clearly worse")
    kind = np.where(table["is_baseline"], "baseline", np.where(table["clear"], verdict, "not clear at this size"))
    return table.assign(label=[cell(row, several) for _, row in table.iterrows()], kind=kind)
