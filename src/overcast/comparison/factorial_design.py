"""The numbers of a factorial study: its trials as a design, the effects, and the recipe that is chosen and confirmed.

An effect here is the mean over everything that the other mitigations are set to, not the one against `none`: half of
all runs have the mitigation and half have not. See `overcast.statistics.designs` for the estimates and their intervals.

The recipe is chosen by validation figures of some folds and confirmed by test figures of others, see `fold_halves`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from overcast.comparison.wording import number
from overcast.statistics.designs import Factorial, Levels, is_orthogonal, pairs
from overcast.statistics.estimates import Array, Estimate


class Measure(NamedTuple):
    """An outcome of a trial: its column, what people call it, its unit and scale, and whether more of it is better."""

    column: str
    label: str
    unit: str
    scale: float
    more_is_better: bool

    def text(self, mean: float, low: float, high: float) -> str:
        """``+4.1 points [2.9, 5.2]``, without brackets where the interval is unknown; finer where it is narrow."""
        places = 1 + (self.scale == 1) + (self.scale * (high - low) < 2)
        shown = f"{number(mean, places, self.scale, sign=True)} {self.unit}"
        ends = [number(end, places, self.scale) for end in (low, high)]
        return f"{shown} [{', '.join(ends)}]" if np.isfinite(low) else shown


MEASURES = (
    Measure("test/accuracy", "test accuracy", "points", 100, more_is_better=True),
    Measure("test/nll", "negative log-likelihood", "nats", 1, more_is_better=False),
    Measure("gap/nll", "gap in negative log-likelihood", "nats", 1, more_is_better=False),
)
PRIMARY = MEASURES[0]
CHOSEN_BY = "validation/accuracy"


@dataclass(frozen=True, eq=False)
class Design:
    """The trials of one context as a design of F mitigations in C cells and K blocks.

    mitigations: in the order in which they apply. levels: (C, F). values: of each column, (C, K), a mean over seeds.
    blocks: the folds or, of a study on one fold, its repeats. incomplete: what of them lacks a cell and is left out,
    each with one that it lacks.
    """

    mitigations: list[str]
    levels: Levels
    values: Mapping[str, Array]
    blocks: list[str | int]
    incomplete: dict[str | int, str]

    def fit(self, column: str, blocks: Sequence[str | int] | None = None) -> Factorial:
        """The model of this column in these blocks, all of them by default."""
        kept = [number for number, block in enumerate(self.blocks) if blocks is None or block in blocks]
        return Factorial(self.levels, self.values[column][:, kept])

    def name(self, recipe: Levels) -> str:
        """A recipe (F,) as a run with it is called."""
        return "+".join(name for name, level in zip(self.mitigations, recipe, strict=True) if level > 0) or "none"


@dataclass(frozen=True, eq=False)
class Confirmation:
    """The recipe, chosen by some folds' validation figures, on the test parts of folds that the choice has not used.

    names: the recipe, none, and all of them, each once. measured: whether each was run, or is predicted. accuracy: of
    each. against: the names that the recipe is compared with, and ``gain`` over them.
    """

    choosing: list[str | int]
    confirming: list[str | int]
    names: list[str]
    measured: list[bool]
    accuracy: Estimate
    against: list[str]
    gain: Estimate


def read_design(trials: pd.DataFrame) -> Design | None:
    """The design of one context's trials; None if their cells are not those of a factorial."""
    recipes = [[] if name == "none" else name.split("+") for name in trials["mitigation"].unique()]
    mitigations = _in_order(recipes)
    levels = np.array([[1 if name in recipe else -1 for name in mitigations] for recipe in recipes], np.int8)
    if len(mitigations) < 2 or not is_orthogonal(levels) or CHOSEN_BY not in trials:
        return None
    block = "fold" if trials["fold"].nunique() > 1 else "repeat"
    columns = [CHOSEN_BY, *(measure.column for measure in MEASURES)]
    finished = trials[np.isfinite(trials[columns].astype(float)).all(axis=1)]
    means = finished.groupby(["mitigation", block])[columns].mean().unstack(block)  # (C, columns × K)
    means = means.reindex(trials["mitigation"].unique())
    whole = means[PRIMARY.column].notna().all()
    incomplete = {b: str(means.index[means[PRIMARY.column][b].isna()][0]) for b in whole.index[~whole]}
    blocks = [b for b in sorted(trials[block].unique()) if whole.get(b, False)]
    incomplete |= {b: "every cell" for b in sorted(trials[block].unique()) if b not in whole.index}
    values = {column: means[column][blocks].to_numpy(float) for column in columns}
    return Design(mitigations, levels, values, blocks, incomplete)


def _in_order(recipes: Sequence[Sequence[str]]) -> list[str]:
    """The names in these recipes, each of which is part of one order, in that order."""
    before: dict[str, set[str]] = {name: set() for recipe in recipes for name in recipe}
    for recipe in recipes:
        for first, second in combinations(recipe, 2):
            before[second].add(first)
    return sorted(before, key=lambda name: len(before[name]))


def effects_table(design: Design) -> pd.DataFrame:
    """The effects on every outcome, as `FactorialReport` says, without ``context``."""
    rows = []
    names = design.mitigations
    for measure in MEASURES:
        fit = design.fit(measure.column)
        labels = [(name, name, "") for name in names]
        labels += [(f"{names[i]} × {names[j]}", names[i], names[j]) for i, j in pairs(len(names))]
        families = [("main", fit.main_effects()), ("pair", fit.interactions())]
        kinds = [(kind, at, family) for kind, family in families for at in range(len(family.mean))]
        for (effect, first, second), (kind, at, family) in zip(labels, kinds, strict=True):
            row = {"outcome": measure.column, "kind": kind, "effect": effect, "first": first, "second": second}
            row |= {"mean": family.mean[at], "low": family.low[at], "high": family.high[at]}
            rows.append(row | {"standard_error": family.standard_error[at], "clear": bool(family.excludes_zero[at])})
    return pd.DataFrame(rows)


def fold_halves(folds: Sequence[int]) -> tuple[list[int], list[int]]:
    """The folds to choose a recipe by, and those to confirm it on; both empty where there are too few.

    In fold f the test part is fold f and the validation part fold f + 1. The choice is by the validation parts of the
    first folds 0 … m-1, which are the folds 1 … m: so fold m is left out, and the test parts of m+1 … are rows that
    no figure of the choice was measured on. (As in every cross-validation, its networks were trained on them.)
    """
    half = (len(folds) - 1) // 2
    choosing = sorted(folds)[:half] if half > 0 else []
    used = {fold + shift for fold in choosing for shift in (0, 1)}
    return choosing, [fold for fold in sorted(folds) if fold not in used] if choosing else []


def confirm(design: Design) -> Confirmation | None:
    """Choose a recipe and compare it with none and all of them, as they were run or else as predicted.

    None where there are too few folds for both.
    """
    folds = [block for block in design.blocks if not isinstance(block, str)]
    choosing, confirming = fold_halves(folds)
    if not choosing or not confirming:
        return None
    recipe = design.fit(CHOSEN_BY, choosing).best_recipe()
    fit = design.fit(PRIMARY.column, confirming)
    rivals = [np.full_like(recipe, level) for level in (-1, 1)]
    recipes = [recipe, *(rival for rival in rivals if (rival != recipe).any())]
    run = [fit.cell_weights(each) for each in recipes]
    predicted = fit.prediction_weights(recipes)
    weights = np.stack([guess if own is None else own for own, guess in zip(run, predicted, strict=True)])
    names = [design.name(each) for each in recipes]
    measured = [own is not None for own in run]
    gain = fit.estimate(weights[0] - weights[1:])
    return Confirmation(list(choosing), list(confirming), names, measured, fit.estimate(weights), names[1:], gain)
