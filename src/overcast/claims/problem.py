"""Problem: every network on every kind of data, beside what needs no network: which one to choose for what.

python pipelines/train.py +study=problem && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from overcast.claims import Measured, clear, difference, judged, percent, points, table
from overcast.html.page import Section
from overcast.html.style import BLUE
from overcast.runs import Run

CLAIM = "Choose the network by the problem: a snapshot calls for a convolutional network, a sequence for an LSTM."
BASELINES = {
    "majority_accuracy": "majority",
    "persistence_accuracy": "persistence",
    "linear_accuracy": "linear",
}


def measured(runs: Sequence[Run]) -> Measured:
    found = table(runs)
    told, held = [], []
    for data, rows in found.groupby("data", sort=False):
        kind = rows["run"].iloc[0].spec.kind
        wanted = "cnn" if kind == "image" else "lstm"
        mean = rows.groupby("model")["accuracy"].mean().sort_values(ascending=False)
        others = mean.drop(wanted)
        gain = difference(rows[rows["model"] == wanted], rows[rows["model"] == others.index[0]])
        held.append(clear(gain))
        what = "snapshot" if kind == "image" else "sequence"
        told.append(
            f"{data} ({what}): {wanted} {percent(rows[rows['model'] == wanted]['accuracy'])}, "
            f"against the best other, {others.index[0]}, {points(gain)}{'' if clear(gain) else ' (not clearly ahead)'}."
        )
    return Measured(f"{judged(*held)} Clear on {sum(held)} of {len(held)} data sets. {' '.join(told)}", [_chart(found)])


def _chart(found: pd.DataFrame) -> Section:
    """Test accuracy of every network, and of what needs none, on every data set."""
    wide = found.pivot_table(index="data", columns="model", values="accuracy", sort=False)
    bases = found.groupby("data", sort=False)[[name for name in BASELINES if name in found]].mean()
    wide = pd.concat([bases.rename(columns=BASELINES), wide], axis=1)
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
    caption = (
        "Mean test accuracy in %. Bold: the highest on that data set. majority: always the most frequent class; "
        "persistence: as the sample before; linear: logistic regression on simple features."
    )
    return Section.from_figure("Networks × data", caption, figure, 160 + 44 * len(wide), min_width=420)
