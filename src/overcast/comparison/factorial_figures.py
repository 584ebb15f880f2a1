"""The figures of a factorial study: effects on top of the others, pairs, and the recipe beside none and all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from overcast.comparison.factorial_recipe import Confirmation
from overcast.comparison.factorial_wording import folds
from overcast.comparison.figures import accuracy_like, forest
from overcast.comparison.wording import number, places
from overcast.core.words import translate
from overcast.html.figures import layout
from overcast.html.label_placement import folded
from overcast.html.page import BulletList, Figure, Section
from overcast.html.style import BLACK, BLUE, ORANGE
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import Families, Outcome


def sections(
    opening: str,
    effects: pd.DataFrame,
    together: pd.DataFrame,
    lines: Sequence[str],
    judged: Families,
    confirmation: Confirmation | None,
) -> list[Section]:
    """The sentences, then every figure; ``opening``: of each title, where a study has several contexts."""
    words = Section(
        opening + translate("On top of the others"),
        translate(
            "What each mitigation adds on average over everything that the others are set to, which is not what it "
            "adds to a network without any. Half of all runs stand on either side of every effect."
        ),
        [BulletList(lines)],
    )
    primary = accuracy_like(judged)
    figures = [_effects(effects, judged, opening), pairs_heatmap(together, list(effects["cell"]), primary, opening)]
    figures += [recipe(confirmation, primary, opening)] if confirmation else []
    return [words, *(figure for figure in figures if figure)]


def _effects(effects: pd.DataFrame, judged: Families, opening: str) -> Section | None:
    """The main effects with their simultaneous intervals, a panel an outcome."""
    primary = accuracy_like(judged)
    ranked = effects.sort_values(f"change/{primary.column}", ascending=not primary.larger_is_better)
    caption = translate(
        "How much each changes on average over the rest; lines: intervals that hold together with 95 % within "
        "overfitting, and within all the others. Shaded: the margin inside which a difference counts as equivalent."
    )
    section = forest(ranked, judged)
    return section and Section(opening + translate("Effects"), caption, section.parts)


def pairs_heatmap(together: pd.DataFrame, factors: Sequence[str], outcome: Outcome, opening: str = "") -> Section:
    """The interactions of all pairs in an outcome, of which more is better for the one colour and worse for the other.

    together: as `overcast.comparison.factorial_design.interactions` gives them.
    """
    column, good = f"change/{outcome.column}", 1 if outcome.larger_is_better else -1
    digits = places(together.assign(pairs=2), outcome)
    values = pd.DataFrame(np.nan, index=list(factors), columns=list(factors))
    texts = pd.DataFrame("", index=list(factors), columns=list(factors))
    for _, row in together.iterrows():
        shown = number(row[column], digits, outcome.scale, sign=True)
        known = Verdict(row[f"verdict/{outcome.column}"]).direction != 0
        for one, other in ((row["first"], row["second"]), (row["second"], row["first"])):
            values.loc[one, other] = good * outcome.scale * row[column]
            texts.loc[one, other] = f"<b>{shown} ●</b>" if known else shown
    limit = 1.6 * max(float(values.abs().max(axis=None)), outcome.scale * outcome.margin / 30)
    figure = go.Figure(
        go.Heatmap(
            z=values, x=list(factors), y=list(factors), text=texts, texttemplate="%{text}",
            colorscale=[[0, ORANGE], [0.5, "#ffffff"], [1, BLUE]], zmid=0, zmin=-limit, zmax=limit, xgap=2, ygap=2,
            hovertemplate="%{y}, %{x}: %{text}<extra></extra>", hoverongaps=False, showscale=False,
        )
    )  # fmt: skip
    figure.update_xaxes(side="top", tickangle=-40, showgrid=False, tickmode="linear")
    figure.update_yaxes(showgrid=False, tickmode="linear", autorange="reversed")
    caption = translate(
        "By how much more one changes {outcome} where the other is on than on average. Blue: they help each other, "
        "orange: they fight each other. Bold with ●: the simultaneous interval leaves zero out.",
        outcome=f"{outcome.label} ({outcome.unit})" if outcome.unit else outcome.label,
    )
    return Section.from_figure(opening + translate("Pairs"), caption, figure, 220 + 44 * len(factors), min_width=520)


def recipe(confirmation: Confirmation, outcome: Outcome, opening: str = "") -> Section:
    """An outcome of the recipe, of none and of all of them, on the folds that the choice has not used."""
    c, estimate = confirmation, confirmation.means[outcome.column]
    kinds = {"none": "none", c.names[0]: translate("recipe: {recipe}", recipe=c.names[0])}
    labels = [kinds.get(name, translate("all of them")) for name in c.names]
    mean = outcome.scale * estimate.mean
    low, high = (outcome.scale * np.clip(end, *outcome.range) for end in (estimate.low, estimate.high))
    figure = go.Figure()
    for measured, kind, marker in (
        (True, translate("measured"), "square"),
        (False, translate("predicted"), "square-open"),
    ):
        at = [number for number, sure in enumerate(c.measured) if sure == measured]
        if at:
            figure.add_scatter(
                x=mean[at], y=[folded(labels[number]) for number in at], mode="markers", name=kind,
                error_x={"array": (high - mean)[at], "arrayminus": (mean - low)[at], "width": 0, "thickness": 3},
                marker={"color": BLUE if measured else BLACK, "symbol": marker, "size": 11, "line": {"width": 2}},
                hovertemplate="%{y}: %{x:.4~g}<extra></extra>",
            )  # fmt: skip
    order = [folded(label) for label in reversed(labels)]
    figure.update_yaxes(categoryorder="array", categoryarray=order, range=[-0.6, len(labels) - 0.4])
    figure.update_xaxes(title=f"{outcome.label}{', %' if outcome.percent else ''}")
    caption = translate(
        "Chosen by the validation parts of {chosen}, tested on the test parts of {tested}, which are rows that no "
        "figure of the choice was measured on. Intervals: simultaneous, for these data; what is compared between them "
        "are differences within each fold.",
        chosen=folds(c.choosing),
        tested=folds(c.confirming),
    )
    return Section(opening + translate("The recipe"), caption, [Figure(layout(figure, 260), 520)])
