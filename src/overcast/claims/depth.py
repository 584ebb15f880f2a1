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
from overcast.core.words import translatable, translate
from overcast.html.page import Section
from overcast.tracking.run_folder import Run

CLAIM = translatable(
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
    text = (
        "Without help {best} hidden layers come out best ({accuracy} %)."
        if best > 1
        else "Without help {best} hidden layer comes out best ({accuracy} %)."
    )
    sentences = [translate(text, best=best, accuracy=number(mean[best]))]
    if worse:
        sentences.append(
            translate("With {deepest} they fall behind by {change}.", deepest=deepest, change=describe(worse))
        )
    else:
        sentences.append(translate("That is the deepest tried."))
    spreads = translate(
        "Over first weights alone the accuracy of {deepest} layers spreads by {spread} points (standard deviation), "
        "that of {shallowest} by {shallow_spread}: described, not tested, since so few repeats cannot tell.",
        deepest=deepest, spread=number(spread["none"]), shallowest=shallowest, shallow_spread=number(shallow_spread),
    )  # fmt: skip
    sentences.append(spreads)
    supported = [worse is not None and worse.is_better]
    for name in helped:
        supported.append(family[name].is_better)
        text, reached = "{mitigation}: {change}, to {accuracy}, spread {spread}.", percent(deep[name]["accuracy"])
        values = {"change": describe(family[name]), "accuracy": reached, "spread": number(spread[name])}
        sentences.append(translate(text, mitigation=name, **values))
    return ClaimResult(
        f"{verdict_opening(*supported, complete=False)} {' '.join(sentences)} {tests_note(family)}",
        [_accuracy(trials), _spread(trials)],
    )


def _accuracy(trials: pd.DataFrame) -> Section:
    return line_figure(
        translate("Accuracy over depth"), translate("Bars: 95 % intervals of the means over first weights."), trials,
        x="depth", y="accuracy", group="mitigation", titles=(translate("hidden layers"), translate("test accuracy, %")),
        percent=True,
    )  # fmt: skip


def _spread(trials: pd.DataFrame) -> Section:
    spread = trials.groupby(["mitigation", "depth"], sort=False)["train_accuracy"].std().reset_index()
    return line_figure(
        translate("How much the first weights decide"),
        translate(
            "Standard deviation of the train accuracy over repeats that differ in their first weights and batches "
            "alone."
        ),
        spread,
        x="depth",
        y="train_accuracy",
        group="mitigation",
        titles=(translate("hidden layers"), translate("spread of train accuracy, points")),
        percent=True,
    )
