"""Depth: one to six hidden layers, bare, with batch norm, with pre-training; and how much the first weights decide.

Repeats differ in their seed alone (first weights and batches), so that their spread is what a bad start costs.

    python pipelines/train.py +study=depth && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from overcast.claims import ClaimResult, Pair, describe, paired_differences, percent, table, tests_note, verdict_opening
from overcast.comparison.line_figure import line_figure
from overcast.comparison.wording import number
from overcast.html.page import Section
from overcast.tracking.run_folder import Run

CLAIM = (
    "Deeper fully connected networks are harder to train, and where training ends depends on the first weights "
    "(local minima); pre-training and normalisation remove that."
)


def judge(runs: Sequence[Run]) -> ClaimResult:
    trials = table(runs)
    trials["depth"] = trials["model.hidden"].map(len)
    bare = trials[trials["mitigation"] == "none"]
    mean = bare.groupby("depth")["accuracy"].mean()
    best, shallowest, deepest = int(mean.idxmax()), int(mean.index.min()), int(mean.index.max())
    at = dict(list(bare.groupby("depth")))
    deep = {str(name): rows for name, rows in trials[trials["depth"] == deepest].groupby("mitigation")}
    spread = {name: float(rows["accuracy"].std()) for name, rows in deep.items()}
    shallow_spread = float(at[shallowest]["accuracy"].std())
    # the best depth is chosen by the same runs: every one is in the family, so that the choice costs nothing
    shallower = {depth: Pair(rows, at[deepest]) for depth, rows in at.items() if depth != deepest}
    helped = {name: Pair(rows, deep["none"]) for name, rows in deep.items() if name != "none"}
    family = paired_differences({**shallower, **helped})
    worse = family.get(best)
    sentence = f"Without help {best} hidden layer{'s come' if best > 1 else ' comes'} out best ({number(mean[best])} %)"
    sentence += f"; {deepest} fall behind by {describe(worse)}." if worse else ": the deepest tried."
    sentence += (
        f" Over first weights alone the accuracy of {deepest} layers spreads by {number(spread['none'])} points "
        f"(standard deviation), that of {shallowest} by {number(shallow_spread)}: described, not tested, since so few "
        "repeats cannot tell."
    )
    supported = [worse is not None and worse.is_better]
    for name in helped:
        supported.append(family[name].is_better)
        sentence += (
            f" {name}: {describe(family[name])}, to {percent(deep[name]['accuracy'])}, spread {number(spread[name])}."
        )
    return ClaimResult(
        f"{verdict_opening(*supported, complete=False)} {sentence} {tests_note(family)}",
        [_accuracy(trials), _spread(trials)],
    )


def _accuracy(trials: pd.DataFrame) -> Section:
    return line_figure(
        "Accuracy over depth", "Bars: 95 % intervals of the means over first weights.", trials, x="depth", y="accuracy",
        group="mitigation", titles=("hidden layers", "test accuracy, %"), percent=True,
    )  # fmt: skip


def _spread(trials: pd.DataFrame) -> Section:
    spread = trials.groupby(["mitigation", "depth"], sort=False)["train_accuracy"].std().reset_index()
    return line_figure(
        "How much the first weights decide", "Standard deviation of the train accuracy over repeats that differ in "
        "their first weights and batches alone.", spread, x="depth", y="train_accuracy", group="mitigation",
        titles=("hidden layers", "spread of train accuracy, points"), percent=True,
    )  # fmt: skip
