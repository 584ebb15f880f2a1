"""The numbers of a factorial study: its trials as a design, the effects, and the recipe that is chosen and confirmed.

An effect here is the mean over everything that the other mitigations are set to, not the one against `none`: half of
all runs have the mitigation and half have not. See `overcast.statistics.designs` for the estimates and their intervals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from overcast.comparison.changes import change_columns, unless_flattered
from overcast.comparison.pairs import Answers
from overcast.core.words import translatable, translate
from overcast.statistics.designs import Factorial, Levels, effect_columns, factor_pairs, is_orthogonal
from overcast.statistics.estimates import Array, Estimate, by_group, sample_variance
from overcast.statistics.fold_covariance import common_ratio
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import BY_SAMPLE, Families, Outcome

CHOSEN_BY = "validation/accuracy"

LENGTHS = re.compile(r"\+?\b(\d+) epochs instead of (\d+)")
"""How the factor is called whose levels are two lengths of a training, here as the last one of a recipe."""


@dataclass(frozen=True, eq=False)
class Design:
    """The trials of one context as a design of F factors in C cells and K blocks.

    factors: mitigations in the order in which they apply, then a longer training if it is one. levels: (C, F). values:
    of each column, (C, K), a mean over seeds. blocks: the folds, of each split if there are several, or, of a study on
    a single_fold, its repeats: what they say holds for this split only. incomplete: what of them lacks a cell, or has a
    trial of it that diverged, and is left out; each with one such cell. diverged: (C,) how many trials of a cell did.
    network, data: their names. seeds: the most that a cell has in a block. samples: of outcomes whose samples are
    known, of a test part that all trials share, (C, K, G) of its groups, a mean over seeds.
    """

    factors: list[str]
    levels: Levels
    values: Mapping[str, Array]
    blocks: list[str | int]
    incomplete: dict[str | int, str]
    diverged: NDArray[np.int64]
    network: str = ""
    data: str = ""
    seeds: int = 1
    single_fold: bool = False
    samples: Mapping[str, Array] = field(default_factory=dict)

    def fit(self, column: str, blocks: Sequence[str | int] | None = None) -> Factorial:
        """The model of this column in these blocks, all of them by default."""
        return Factorial(self.levels, self.values[column][:, self._places(blocks)])

    def sample_variance(self, column: str, weights: Array, blocks: Sequence[str | int] | None = None) -> Array:
        """(Q,) of the means over blocks of weighted sums of the cells (Q, C), by way of the samples of a test part that
        all share; zeros where there is none. Of a gap, the test part's samples count.
        """
        known = self.samples.get(column.replace("gap/", "test/"))
        if known is None or len(at := self._places(blocks)) < 2:
            return np.zeros(len(weights))
        return sample_variance(np.einsum("qc,ckg->qkg", weights, known[:, at]))

    def _places(self, blocks: Sequence[str | int] | None) -> list[int]:
        return [number for number, block in enumerate(self.blocks) if blocks is None or block in blocks]

    @property
    def diverged_sides(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(P,) of each of the `effect_columns`: how many trials diverged in cells with it, and in cells without it."""
        signs = effect_columns(self.levels)
        return self.diverged @ (signs > 0), self.diverged @ (signs < 0)

    @property
    def side(self) -> int:
        """How many trials are on either side of an effect."""
        return len(self.levels) // 2 * (len(self.blocks) + len(self.incomplete)) * self.seeds

    def name(self, recipe: Levels) -> str:
        """A recipe (F,) as a run with it is called."""
        return "+".join(name for name, level in zip(self.factors, recipe, strict=True) if level > 0) or "none"


def read_design(trials: pd.DataFrame, judged: Families, answers: Answers) -> Design | None:
    """The design of one context's trials; None if their cells are not those of a factorial.

    answers: of each run, to a test part that all share.
    """
    trials = trials.assign(recipe=recipe_names(trials))
    recipes = [[] if name == "none" else name.split("+") for name in trials["recipe"].unique()]
    factors = _in_order(recipes)
    levels = np.array([[1 if name in recipe else -1 for name in factors] for recipe in recipes], np.int8)
    if len(factors) < 2 or not is_orthogonal(levels) or CHOSEN_BY not in trials:
        return None
    columns = [CHOSEN_BY, *(outcome.column for outcome in judged.judged)]
    finished = np.isfinite(trials[columns].astype(float)).all(axis=1)
    in_block = trials.assign(block=_blocks(trials), finished=finished).groupby(["recipe", "block"])
    # a mean of the seeds that are left would flatter a cell
    means = in_block[columns].mean().where(in_block["finished"].all()).unstack()  # (C, columns × K)
    means = means.reindex(trials["recipe"].unique())
    lacking = means[CHOSEN_BY].isna()
    incomplete = {
        block: translatable("every cell") if lacks.all() else str(lacks.idxmax())
        for block, lacks in lacking.items()
        if lacks.any()
    }
    blocks = [block for block in lacking if block not in incomplete]
    values = {column: means[column][blocks].to_numpy(float) for column in columns}
    diverged = trials.groupby("recipe", sort=False)["diverged"].sum().to_numpy(int)
    network, data = (str(trials[name].iloc[0]) for name in ("model", "data"))
    seeds = int(in_block.size().max())
    samples = _samples(in_block, [(recipe, block) for recipe in means.index for block in blocks], answers)
    samples = {column: told.reshape(len(levels), len(blocks), -1) for column, told in samples.items()}
    single_fold = len(trials[["split_seed", "fold"]].drop_duplicates()) == 1
    return Design(factors, levels, values, blocks, incomplete, diverged, network, data, seeds, single_fold, samples)


def _samples(in_block: Any, places: Sequence[tuple[str, str | int]], answers: Answers) -> dict[str, Array]:
    """Of each outcome that all answers have, what was answered at each place, (places, G)."""
    runs = in_block["run_id"].agg(list) if answers else {}
    told = [[answers.get(run, {}) for run in runs[place]] for place in places] if answers else []
    return {
        column: np.stack([np.mean([by_group(one[column], one["group"]) for one in each], axis=0) for each in told])
        for column in BY_SAMPLE
        if told and all(column in one for each in told for one in each)
    }


def _blocks(trials: pd.DataFrame) -> list[str | int]:
    """Of each trial its fold, which of two splits are two; on a single one, its repeat."""
    if trials["split_seed"].nunique() > 1:
        text = "{fold} of split {split}"
        return [translate(text, fold=f, split=s) for f, s in zip(trials["fold"], trials["split_seed"], strict=True)]
    return list(trials["fold" if trials["fold"].nunique() > 1 else "repeat"])


def recipe_names(trials: pd.DataFrame) -> list[str]:
    """What is on in each trial: its mitigations, and the longer training where ``lengths`` are a factor."""
    if not trials["lengths"].iloc[0]:
        return list(trials["mitigation"])
    short, long = map(int, trials["lengths"].iloc[0].split())
    names = [[] if name == "none" else [name] for name in trials["mitigation"]]
    longer = [[f"{long} epochs instead of {short}"] if epochs == long else [] for epochs in trials["epochs"]]
    return ["+".join([*own, *more]) or "none" for own, more in zip(names, longer, strict=True)]


def _in_order(recipes: Sequence[Sequence[str]]) -> list[str]:
    """The names in these recipes, each of which is part of one order, in that order."""
    before: dict[str, set[str]] = {name: set() for recipe in recipes for name in recipe}
    for recipe in recipes:
        for first, second in combinations(recipe, 2):
            before[second].add(first)
    return sorted(before, key=lambda name: len(before[name]))


def main_effects(design: Design, judged: Families, new_data: bool = False) -> pd.DataFrame:
    """A row a mitigation, in the columns of `comparison_table`: what it changes on top of the others, and the verdicts.

    The intervals of a family hold together, and speak of these data, or where all trials share a test part, of new test
    samples too; new_data: of new data of this kind, with the upper limit of what folds share.

    diverged, baseline_diverged: how many of the trials with it and without it did, of the ``planned`` on either side:
    what is left of them flatters their side, and a verdict in its favour is none. combinations: how many cells there
    are.
    """
    with_it, without = (each[: len(design.factors)] for each in design.diverged_sides)
    table = pd.DataFrame({"cell": design.factors, "mitigation": design.factors})
    shared = {"context": "", "data": design.data, "against": "none", "baseline": "none", "is_baseline": False}
    shared |= {"pairs": len(design.blocks), "combinations": len(design.levels), "time": np.nan}
    shared |= {"planned": design.side, "diverged": with_it, "baseline_diverged": without}
    table = table.assign(**shared)
    for family in (judged.overfitting, judged.better):
        for outcome in family:
            fit = design.fit(outcome.column)
            samples = design.sample_variance(outcome.column, fit.effect_weights[: len(design.factors)])
            if new_data:
                samples = samples + _common(design, outcome, fit)
            effects = fit.main_effects(len(family), samples)
            table = table.assign(**_changes(outcome, effects, with_it, without))
    not_judged = (table.filter(like="verdict/") == Verdict.NOT_JUDGED.value).any(axis=1)
    return table.assign(flattered=not_judged & (with_it + without > 0))


def _common(design: Design, outcome: Outcome, fit: Factorial) -> float:
    """The covariance of two folds' differences, at most: of one run's, which is no less than ``seeds`` means of it."""
    return common_ratio(design.network, outcome.column) * 2 * design.seeds * fit.variance


def interactions(design: Design, outcome: Outcome) -> pd.DataFrame:
    """A row a pair: ``first``, ``second``, the ``change`` with its interval, and the ``verdict`` of `comparison_table`.

    The intervals of all pairs hold together.
    """
    names = [(design.factors[i], design.factors[j]) for i, j in factor_pairs(len(design.factors))]
    table = pd.DataFrame(names, columns=["first", "second"])
    sides = (each[len(design.factors) :] for each in design.diverged_sides)
    fit = design.fit(outcome.column)
    samples = design.sample_variance(outcome.column, fit.effect_weights[len(design.factors) :])
    return table.assign(**_changes(outcome, fit.interactions(common=samples), *sides))


def _changes(
    outcome: Outcome, effects: Estimate, ours: NDArray[np.int64], theirs: NDArray[np.int64]
) -> dict[str, list[Any]]:
    """ours, theirs: how many trials diverged on either side of each effect."""
    columns, name = change_columns(outcome, effects), f"verdict/{outcome.column}"
    judged = map(Verdict, columns[name])
    found = [unless_flattered(*each).value for each in zip(judged, ours, theirs, strict=True)]
    return {**columns, name: found}
