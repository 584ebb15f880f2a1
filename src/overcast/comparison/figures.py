"""The study's figures: each takes the comparison's table (or the curves) and gives a section with a Plotly figure.

A figure that the study has no data for is None.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from overcast.comparison.curves import data_size, error_bars, learning
from overcast.comparison.wording import cell, number, places
from overcast.core.words import translatable, translate
from overcast.html.label_placement import folded, text_positions
from overcast.html.page import Section
from overcast.html.style import BLACK, BLUE, GREEN, GREY, INK, ORANGE, PALE
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import PRIMARY, Families, Outcome

STYLES = {  # colour, marker: what is not decided is open and grey
    translatable("better"): (BLUE, "circle"),
    translatable("worse"): (ORANGE, "diamond"),
    translatable("equivalent"): (GREEN, "square"),
    translatable("undecided"): (GREY, "circle-open"),
    translatable("not judged"): (GREY, "x"),
    translatable("baseline"): (BLACK, "star"),
}
KINDS = {
    Verdict.BETTER: "better",
    Verdict.SLIGHTLY_BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.SLIGHTLY_WORSE: "worse",
    Verdict.EQUIVALENT: "equivalent",
    Verdict.UNDECIDED: "undecided",
    Verdict.NOT_JUDGED: "not judged",
}


def study_figures(table: pd.DataFrame, trials: pd.DataFrame, curves: pd.DataFrame, judged: Families) -> list[Section]:
    """Every figure that the study has data for."""
    every = [
        forest(table, judged), accuracy_against_gap(table, judged), heatmap(table, judged), data_size(table),
        learning(trials, curves),
    ]  # fmt: skip
    return [section for section in every if section is not None]


def forest(table: pd.DataFrame, judged: Families) -> Section | None:
    """The change of each judged outcome, a panel each: simultaneous intervals, and the margin as a band."""
    rows = table[table["pairs"] >= 2]
    if rows.empty:
        return None
    several = table["data"].nunique() > 1
    rows = rows.assign(label=[folded(cell(row, several)) for _, row in rows.iterrows()]).iloc[::-1]
    titles = [outcome.label for outcome in judged.judged]
    figure = make_subplots(1, len(titles), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=titles)
    for at, outcome in enumerate(judged.judged, 1):
        _forest_panel(figure, rows, outcome, at)
    figure.update_yaxes(categoryorder="array", categoryarray=list(rows["label"]), range=[-0.7, len(rows) - 0.3])
    figure.update_annotations(font_size=12)
    caption = translate(
        "Change against the baseline; lines: intervals that hold together with 95 % within overfitting, and within all "
        "the others. Shaded: the margin inside which a difference counts as equivalent."
    )
    height = 150 + 27 * len(rows) + 12 * sum(label.count("<br>") for label in rows["label"])
    return Section.from_figure(translate("What each one changes"), caption, figure, height, min_width=760)


def _forest_panel(figure: go.Figure, rows: pd.DataFrame, outcome: Outcome, at: int) -> None:
    column, scale, where = f"change/{outcome.column}", outcome.scale, {"row": 1, "col": at}
    margin = margin_band(figure, outcome, at)
    kinds = rows[f"verdict/{outcome.column}"].map(lambda found: KINDS[Verdict(found)])
    for kind, (colour, marker) in STYLES.items():
        some = rows[kinds == kind]
        if some.empty:
            continue
        ends = np.stack([some[f"{column}/low"], some[f"{column}/high"], np.full(len(some), np.nan)], 1)
        figure.add_scatter(
            x=scale * ends.ravel(), y=np.repeat(some["label"], 3), mode="lines", line={"color": colour, "width": 3},
            showlegend=False, hoverinfo="skip", legendgroup=kind, **where,
        )  # fmt: skip
        name = translate(kind)
        shown = not any(trace.name == name for trace in figure.data)
        figure.add_scatter(
            x=scale * some[column], y=some["label"], mode="markers", name=name, legendgroup=kind, showlegend=shown,
            marker={"color": colour, "symbol": marker, "size": 11, "line": {"width": 2, "color": colour}},
            customdata=np.stack([scale * some[f"{column}/low"], scale * some[f"{column}/high"]], 1),
            hovertemplate="%{y}: %{x:+.3~g} [%{customdata[0]:.3~g}, %{customdata[1]:.3~g}]<extra></extra>", **where,
        )  # fmt: skip
    low, high = (scale * rows[f"{column}/{end}"] for end in ("low", "high"))
    left = min(low.min(), scale * rows[column].min(), -margin)
    right = max(high.max(), scale * rows[column].max(), margin)
    room = 0.04 * (right - left)
    figure.update_xaxes(title=outcome.unit, range=[left - room, right + room], **where)


def margin_band(figure: go.Figure, outcome: Outcome, at: int) -> float:
    """Zero, and the margin on both sides of it, which is given back, in the panel ``at``."""
    margin, where = outcome.scale * outcome.margin, {"row": 1, "col": at, "exclude_empty_subplots": False}
    figure.add_vrect(-margin, margin, fillcolor=PALE, opacity=0.5, line_width=0, layer="below", **where)
    figure.add_vline(0, line_color=BLACK, line_width=1, **where)
    return margin


def accuracy_against_gap(table: pd.DataFrame, judged: Families) -> Section | None:
    """Accuracy against the gap."""
    rows = _kinds(table[table["gap/accuracy"].notna()], accuracy_like(judged))
    if rows.empty:
        return None
    x, y = 100 * rows["gap/accuracy"], 100 * rows[PRIMARY.column]
    positions = text_positions(x.to_numpy(float), y.to_numpy(float), list(rows["label"]))
    rows = rows.assign(x=x, y=y, position=positions)
    hover = translate("%{text}: %{y:.1f} %, gap %{x:.1f} points")
    figure = go.Figure()
    for kind in (kind for kind in STYLES if kind in set(rows["kind"])):
        some = rows[rows["kind"] == kind]
        colour, marker = STYLES[kind]
        bars = {"color": "#c8c8c8", "thickness": 1, "width": 0}
        figure.add_scatter(
            x=some["x"], y=some["y"], mode="markers+text", name=translate(kind), text=some["label"],
            textposition=some["position"], textfont={"size": 12, "color": INK}, cliponaxis=False,
            error_x=error_bars(some, "gap/accuracy") | bars, error_y=error_bars(some, PRIMARY.column) | bars,
            marker={"color": colour, "symbol": marker, "size": 10, "line": {"width": 2, "color": colour}},
            hovertemplate=f"{hover}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title=translate("gap: train minus test accuracy, percentage points"))
    figure.update_yaxes(title=f"{PRIMARY.label}, %")
    caption = translate(
        "Up and to the left is better: more accurate, and less overfitted. Bars: 95 % intervals of the means."
    )
    return Section.from_figure(translate("Accuracy against the gap"), caption, figure, 560, min_width=520)


def heatmap(table: pd.DataFrame, judged: Families) -> Section | None:
    """Network (or whatever else was swept) × mitigation."""
    if table["context"].nunique() < 2 or table["mitigation"].nunique() < 2:
        return None
    change_column, judged_by = f"change/{PRIMARY.column}", accuracy_like(judged)
    table = table.assign(order=np.where(table["is_baseline"], np.inf, table[change_column]))
    order = table.groupby("mitigation")["order"].mean().sort_values(ascending=False).index
    down = list(dict.fromkeys(table["context"]))[::-1]
    digits = places(table)

    def pivoted(values: pd.Series) -> pd.DataFrame:
        shaped = table.assign(v=values).pivot_table(index="context", columns="mitigation", values="v", aggfunc="first")
        return shaped.reindex(index=down, columns=order)

    change = 100 * table[change_column].where(~table["is_baseline"], 0.0)
    decided = _kinds(table, judged_by)["kind"].isin(["better", "worse"])
    texts = [
        f"{'<b>' if differs else ''}{number(mean, digits)}{' ●</b>' if differs else ''}"
        for mean, differs in zip(table[PRIMARY.column], decided, strict=True)
    ]
    figure = _changes_in_colour(pivoted(change), pivoted(pd.Series(texts, table.index)).fillna(""))
    caption = translate(
        "Numbers: {outcome} in %. Colour: change against that row's baseline. Bold with ●: better or worse in "
        "{judged}.",
        outcome=PRIMARY.label,
        judged=judged_by.label,
    )
    return Section.from_figure(
        translate("Networks × mitigations"), caption, figure, 200 + 44 * len(down), min_width=520
    )


def _changes_in_colour(changes: pd.DataFrame, texts: pd.DataFrame) -> go.Figure:
    """Changes in points as colours, with texts on them, both by context and mitigation."""
    limit = 1.6 * max(float(changes.abs().max(axis=None)), 0.1)
    figure = go.Figure(
        go.Heatmap(
            z=changes, x=list(changes.columns), y=list(changes.index), text=texts, texttemplate="%{text}",
            colorscale=[[0, ORANGE], [0.5, "#ffffff"], [1, BLUE]], zmid=0, zmin=-limit, zmax=limit, xgap=2, ygap=2,
            hovertemplate=translate("%{y}, %{x}: %{text} %, change %{z:+.1f} points") + "<extra></extra>",
            hoverongaps=False, colorbar={"title": {"text": translate("change,<br>points")}, "thickness": 12},
        )
    )  # fmt: skip
    figure.update_xaxes(side="top", tickangle=-40, showgrid=False, tickmode="linear")
    figure.update_yaxes(showgrid=False, tickmode="linear")
    return figure


def accuracy_like(judged: Families) -> Outcome:
    """The outcome whose verdicts a figure of accuracies shows: accuracy, or what the study judges in its place."""
    return next((each for each in judged.better if each.column == PRIMARY.column), judged.better[0])


def _kinds(table: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """The table with a ``label`` and the ``kind`` of `STYLES` of each row."""
    several = table["data"].nunique() > 1
    kinds = [KINDS[Verdict(found)] if found else "baseline" for found in table[f"verdict/{outcome.column}"]]
    return table.assign(label=[folded(cell(row, several)) for _, row in table.iterrows()], kind=kinds)
