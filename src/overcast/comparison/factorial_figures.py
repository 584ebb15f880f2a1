"""The figures of a factorial study: effects on top of the others, pairs, and the recipe beside none and all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from overcast.comparison.factorial_design import MEASURES, PRIMARY, Confirmation
from overcast.comparison.factorial_wording import folds
from overcast.comparison.wording import number
from overcast.html.figures import layout
from overcast.html.page import BulletList, Figure, Section
from overcast.html.style import BLACK, BLUE, GREY, ORANGE

HELPS, HURTS, UNDECIDED = "helps", "hurts", "undecided"
STYLES = {HELPS: (BLUE, "circle"), HURTS: (ORANGE, "diamond"), UNDECIDED: (GREY, "circle-open")}
"""Colour and marker; an open circle, and grey, is what is undecided."""


def sections(
    opening: str,
    effects: pd.DataFrame,
    lines: Sequence[str],
    mitigations: Sequence[str],
    confirmation: Confirmation | None,
) -> list[Section]:
    """The sentences, then every figure; ``opening``: of each title, where a study has several contexts."""
    words = Section(
        f"{opening}On top of the others",
        "What each mitigation adds on average over everything that the others are set to, which is not what it adds "
        "to a network without any. Half of all runs stand on either side of every effect.",
        [BulletList(lines)],
    )
    shown = [words, forest(effects, opening), heatmap(effects, mitigations, opening)]
    return [*shown, *([recipe(confirmation, opening)] if confirmation else [])]


def forest(effects: pd.DataFrame, opening: str = "") -> Section:
    """The main effects with their simultaneous intervals, a panel an outcome."""
    main = effects[effects["kind"] == "main"]
    order = list(main[main["outcome"] == PRIMARY.column].sort_values("mean")["effect"])
    figure = make_subplots(1, len(MEASURES), shared_yaxes=True, horizontal_spacing=0.04)
    named: set[str] = set()
    for panel, measure in enumerate(MEASURES, 1):
        rows = main[main["outcome"] == measure.column].assign(kind=lambda r, m=measure: _kinds(r, m.more_is_better))
        figure.add_vline(0, line_color=BLACK, line_width=1, row=1, col=panel, exclude_empty_subplots=False)
        for kind in (kind for kind in STYLES if kind in set(rows["kind"])):
            some, (colour, marker) = rows[rows["kind"] == kind], STYLES[kind]
            figure.add_scatter(
                row=1, col=panel, x=measure.scale * some["mean"], y=some["effect"], mode="markers", name=kind,
                legendgroup=kind, showlegend=kind not in named,
                error_x={"array": measure.scale * (some["high"] - some["mean"]), "width": 0, "thickness": 3},
                marker={"color": colour, "symbol": marker, "size": 11, "line": {"width": 2, "color": colour}},
                customdata=measure.scale * some[["low", "high"]],
                hovertemplate="%{y}: %{x:+.3g} [%{customdata[0]:.3g}, %{customdata[1]:.3g}]<extra></extra>",
            )  # fmt: skip
            named.add(kind)
        figure.update_xaxes(title=f"{measure.label},<br>{measure.unit}", row=1, col=panel)
    figure.update_yaxes(categoryorder="array", categoryarray=order, range=[-0.7, len(order) - 0.3])
    caption = (
        "How much each changes test accuracy (right is better), the loss and its gap (left is better), on average over "
        "the rest. The intervals of a panel hold all together in 95 % of such studies."
    )
    return Section.from_figure(f"{opening}Effects", caption, figure, 190 + 30 * len(order), min_width=720)


def heatmap(effects: pd.DataFrame, mitigations: Sequence[str], opening: str = "") -> Section:
    """The interactions of all pairs, in test accuracy."""
    rows = effects[(effects["outcome"] == PRIMARY.column) & (effects["kind"] == "pair")]
    values = pd.DataFrame(np.nan, index=list(mitigations), columns=list(mitigations))
    texts = pd.DataFrame("", index=list(mitigations), columns=list(mitigations))
    for first, second, mean, clear in rows[["first", "second", "mean", "clear"]].itertuples(index=False):
        shown = number(mean, sign=True)
        for one, other in ((first, second), (second, first)):
            values.loc[one, other] = PRIMARY.scale * mean
            texts.loc[one, other] = f"<b>{shown} ●</b>" if clear else shown
    limit = 1.6 * max(float(values.abs().max(axis=None)), 0.1)
    figure = go.Figure(
        go.Heatmap(
            z=values, x=list(mitigations), y=list(mitigations), text=texts, texttemplate="%{text}",
            colorscale=[[0, ORANGE], [0.5, "#ffffff"], [1, BLUE]], zmid=0, zmin=-limit, zmax=limit, xgap=2, ygap=2,
            hovertemplate="%{y}, %{x}: %{z:+.2f} points<extra></extra>", hoverongaps=False,
            colorbar={"title": {"text": "points"}, "thickness": 12},
        )
    )  # fmt: skip
    figure.update_xaxes(side="top", tickangle=-40, showgrid=False, tickmode="linear")
    figure.update_yaxes(showgrid=False, tickmode="linear", autorange="reversed")
    caption = (
        "Points of test accuracy by which one adds more (blue: they help each other) or less (orange: they fight each "
        "other) than on average where the other is on. Bold with ●: the simultaneous interval leaves zero out."
    )
    return Section.from_figure(f"{opening}Pairs", caption, figure, 220 + 44 * len(mitigations), min_width=520)


def recipe(confirmation: Confirmation, opening: str = "") -> Section:
    """Test accuracy of the recipe, of none and of all of them, on the folds that the choice has not used."""
    c = confirmation
    kinds = {"none": "none", c.names[0]: f"recipe: {c.names[0]}"}
    labels = [kinds.get(name, "all of them") for name in c.names]
    low, high = (np.clip(100 * end, 0, 100) for end in (c.accuracy.low, c.accuracy.high))
    above, below = high - 100 * c.accuracy.mean, 100 * c.accuracy.mean - low
    figure = go.Figure()
    for measured, kind, marker in ((True, "measured", "square"), (False, "predicted", "square-open")):
        at = [number for number, sure in enumerate(c.measured) if sure == measured]
        if at:
            figure.add_scatter(
                x=100 * c.accuracy.mean[at], y=[_folded(labels[number]) for number in at], mode="markers", name=kind,
                error_x={"array": above[at], "arrayminus": below[at], "width": 0, "thickness": 3},
                marker={"color": BLUE if measured else BLACK, "symbol": marker, "size": 11, "line": {"width": 2}},
                hovertemplate="%{y}: %{x:.2f} %<extra></extra>",
            )  # fmt: skip
    order = [_folded(label) for label in reversed(labels)]
    figure.update_yaxes(categoryorder="array", categoryarray=order, range=[-0.6, len(labels) - 0.4])
    figure.update_xaxes(title="test accuracy, %")
    caption = (
        f"Chosen by the validation parts of {folds(c.choosing)}, tested on the test parts of {folds(c.confirming)}, "
        "which are rows that no figure of the choice was measured on. Intervals: "
        "simultaneous, for these folds; what is compared between them are differences within each fold."
    )
    return Section(f"{opening}The recipe", caption, [Figure(layout(figure, 260), 520)])


def _folded(label: str, width: int = 36) -> str:
    """A long recipe on several lines."""
    lines = [""]
    for part in label.replace("+", "+\n").split("\n"):
        if len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "<br>".join(line for line in lines if line)


def _kinds(rows: pd.DataFrame, more_is_better: bool) -> np.ndarray:
    helps = (rows["mean"] > 0) == more_is_better
    return np.where(rows["clear"], np.where(helps, HELPS, HURTS), UNDECIDED)
