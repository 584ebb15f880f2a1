"""The best recipe of a factorial study: validation figures of some folds choose it, test figures of others confirm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overcast.comparison.factorial_design import CHOSEN_BY, Design
from overcast.prepare.folds import TEST, VALIDATION
from overcast.statistics.estimates import Estimate
from overcast.study.outcomes import Families


@dataclass(frozen=True, eq=False)
class Confirmation:
    """The recipe, chosen by some folds' validation figures, on the test parts of folds that the choice has not used.

    names: the recipe, none, and all of them, each once. measured: whether each was run, or is predicted. diverged: how
    many of its trials did. means: of each judged outcome of the test part, by its column, those of each. against: the
    names that the recipe is compared with, and ``gains`` over them, whose intervals hold together over all these
    outcomes.
    """

    choosing: list[int]
    confirming: list[int]
    names: list[str]
    measured: list[bool]
    diverged: list[int]
    means: Mapping[str, Estimate]
    against: list[str]
    gains: Mapping[str, Estimate]


def confirming_folds(parts: Mapping[int, NDArray[np.str_]]) -> tuple[list[int], list[int]]:
    """The folds to choose a recipe by, and those to confirm it on; both empty where there are none.

    The choice is by the validation parts of the first half of the folds. It is confirmed on the test parts of all other
    folds that have no row of these: where the validation part of a fold is the test part of the next one, that leaves
    one fold out. (As in every cross-validation, networks that chose were trained on rows that confirm.)

    parts: of each fold, the part of each row (N,).
    """
    folds = sorted(parts)
    choosing = folds[: (len(folds) - 1) // 2]
    seen = np.any([parts[fold] == VALIDATION for fold in choosing], axis=0)
    confirming = [fold for fold in folds if fold not in choosing and not (seen & (parts[fold] == TEST)).any()]
    return (choosing, confirming) if choosing and confirming else ([], [])


def confirm(design: Design, judged: Families, parts: Mapping[int, NDArray[np.str_]]) -> Confirmation | None:
    """Choose a recipe and compare it with none and all of them, as they were run or else as predicted.

    None where there are too few folds for both, where they share the rows, and on several splits, whose folds do.

    parts: as for `confirming_folds`, of all folds of the study.
    """
    choosing, confirming = confirming_folds({fold: rows for fold, rows in parts.items() if fold in design.blocks})
    if not choosing:
        return None
    recipe = design.fit(CHOSEN_BY, choosing).best_recipe()
    rivals = [np.full_like(recipe, level) for level in (-1, 1)]
    recipes = [recipe, *(rival for rival in rivals if (rival != recipe).any())]
    means, gains, many = {}, {}, len(judged.better)
    for outcome in judged.better:
        fit = design.fit(outcome.column, confirming)
        run = [fit.cell_weights(each) for each in recipes]
        predicted = fit.prediction_weights(recipes)
        weights = np.stack([guess if own is None else own for own, guess in zip(run, predicted, strict=True)])
        against = weights[0] - weights[1:]
        of_mean, of_gain = (design.sample_variance(outcome.column, w, confirming) for w in (weights, against))
        means[outcome.column] = fit.estimate(weights, common=of_mean)
        gains[outcome.column] = fit.estimate(against, many, of_gain)
    names, measured = [design.name(each) for each in recipes], [own is not None for own in run]
    diverged = [int(design.diverged[(design.levels == each).all(1)].sum()) for each in recipes]
    return Confirmation(choosing, confirming, names, measured, diverged, means, names[1:], gains)
