"""Problem: every network on every kind of data, beside what needs no network: which one to choose for what.

python pipelines/train.py +study=problem && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from overcast.claims import ClaimResult, Pair, paired_differences, percent, points, table, verdict_text
from overcast.core.words import translatable, translate
from overcast.html.page import Section
from overcast.html.style import BLUE
from overcast.tracking.run_folder import Run

CLAIM = translatable(
    "Choose the network by the problem: a snapshot calls for a convolutional network, a sequence for an LSTM."
)
BASELINES = {
    "majority_accuracy": translatable("majority"),
    "persistence_accuracy": translatable("persistence"),
    "linear_accuracy": translatable("linear"),
}


def judge(runs: Sequence[Run]) -> ClaimResult:
    trials = table(runs)
    chosen, other, pairs = {}, {}, {}
    for data, rows in trials.groupby("data", sort=False):
        chosen[data] = "cnn" if rows["run"].iloc[0].spec.kind == "image" else "lstm"
        other[data] = rows.groupby("model")["accuracy"].mean().drop(chosen[data]).idxmax()
        pairs[data] = Pair(*(rows[rows["model"] == name] for name in (chosen[data], other[data])))
    family = paired_differences(pairs)
    sentences = [
        translate(
            "{data} ({kind}): {network} {accuracy}, against the best other, {other}, {change}: {verdict}.",
            data=data,
            kind=translate("snapshot" if name == "cnn" else "sequence"),
            network=name,
            accuracy=percent(pairs[data].better["accuracy"]),
            other=other[data],
            change=points(family[data].estimate),
            # the best of several others is ahead by luck more often than one is: it is never called better
            verdict=translate("better" if family[data].is_better else "not ahead for sure"),
        )
        for data, name in chosen.items()
    ]
    supported = [difference.is_better for difference in family.values()]
    counted = translate("Better on {number} of {all} data sets.", number=sum(supported), all=len(supported))
    return ClaimResult(verdict_text([counted, *sentences], supported, family), [_chart(trials)])


def _chart(trials: pd.DataFrame) -> Section:
    """Test accuracy of every network, and of what needs none, on every data set."""
    wide = trials.pivot_table(index="data", columns="model", values="accuracy", sort=False)
    bases = trials.groupby("data", sort=False)[[name for name in BASELINES if name in trials]].mean()
    wide = pd.concat(
        [bases.rename(columns={column: translate(name) for column, name in BASELINES.items()}), wide], axis=1
    )
    texts = wide.map(lambda value: f"{100 * value:.1f}" if value == value else "")
    best = wide.eq(wide.max(axis=1), axis=0)
    texts = texts.where(~best, "<b>" + texts + "</b>")
    # colour by place between a data set's own lowest and highest: data sets differ in how hard they are
    place = wide.sub(wide.min(axis=1), axis=0).div(wide.max(axis=1) - wide.min(axis=1), axis=0)
    figure = go.Figure(
        go.Heatmap(
            z=place, x=list(wide.columns), y=list(wide.index), text=texts, texttemplate="%{text}", showscale=False,
            colorscale=[[0, "#ffffff"], [1, BLUE]], zmin=0, zmax=1.6, xgap=2, ygap=2, hoverongaps=False,
            hovertemplate="%{y}, %{x}: %{text} %<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(side="top", showgrid=False)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    caption = translate(
        "Mean test accuracy in %. Bold: the highest on that data set. majority: always the most frequent class; "
        "persistence: as the sample before; linear: logistic regression on simple features."
    )
    return Section.from_figure(translate("Networks × data"), caption, figure, 160 + 44 * len(wide), min_width=420)
