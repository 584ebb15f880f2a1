"""Depth: one to six hidden layers, bare, with batch norm, with pre-training; and how much the first weights decide.

Repeats differ in their seed alone (first weights and batches), so that their spread is what a bad start costs.

    python pipelines/train.py +study=depth && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from overcast.claims import (
    ClaimResult,
    Pair,
    PairedDifference,
    describe,
    paired_differences,
    percent,
    table,
    verdict_text,
)
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
    best, deepest = int(mean.idxmax()), int(mean.index.max())
    at = dict(list(bare.groupby("depth")))
    deep = {str(name): rows for name, rows in trials[trials["depth"] == deepest].groupby("mitigation")}
    # the best depth is chosen by the same runs: every one is in the family, so that the choice costs nothing
    shallower = {depth: Pair(rows, at[deepest]) for depth, rows in at.items() if depth != deepest}
    helped = {name: Pair(rows, deep["none"]) for name, rows in deep.items() if name != "none"}
    family = paired_differences({**shallower, **helped})
    worse = family.get(best)
    sentences = [_best_depth(best, mean[best]), _behind(deepest, worse), _spreads(at)]
    sentences += [_helped(name, deep[name], family[name]) for name in helped]
    supported = [worse is not None and worse.is_better, *(family[name].is_better for name in helped)]
    verdict = verdict_text(sentences, supported, family, complete=False)
    return ClaimResult(verdict, [_accuracy(trials), _spread(trials)])


def _best_depth(best: int, accuracy: float) -> str:
    text = (
        "Without help {best} hidden layers come out best ({accuracy} %)."
        if best > 1
        else "Without help {best} hidden layer comes out best ({accuracy} %)."
    )
    return translate(text, best=best, accuracy=number(accuracy))


def _behind(deepest: int, difference: PairedDifference | None) -> str:
    """difference: of the best depth and the deepest; None where that is the best."""
    if difference is None:
        return translate("That is the deepest tried.")
    return translate("With {deepest} they fall behind by {change}.", deepest=deepest, change=describe(difference))


def _spreads(at: Mapping[int, pd.DataFrame]) -> str:
    """Of the deepest and the shallowest networks."""
    shallowest, deepest = min(at), max(at)
    return translate(
        "Over first weights alone the accuracy of {deepest} layers spreads by {spread} points (standard deviation), "
        "that of {shallowest} by {shallow_spread}: described, not tested, since so few repeats cannot tell.",
        deepest=deepest, spread=_std(at[deepest]), shallowest=shallowest, shallow_spread=_std(at[shallowest]),
    )  # fmt: skip


def _helped(name: str, rows: pd.DataFrame, difference: PairedDifference) -> str:
    return translate(
        "{mitigation}: {change}, to {accuracy}, spread {spread}.",
        mitigation=name, change=describe(difference), accuracy=percent(rows["accuracy"]), spread=_std(rows),
    )  # fmt: skip


def _std(rows: pd.DataFrame) -> str:
    """Of the accuracy, in points."""
    return number(float(rows["accuracy"].std()))


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
