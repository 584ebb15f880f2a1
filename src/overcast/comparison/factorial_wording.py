"""A factorial study in plain words; the command that confirms a recipe which was not among its runs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from overcast.comparison.changes import unless_flattered
from overcast.comparison.factorial_design import LENGTHS, Design, recipe_names
from overcast.comparison.factorial_recipe import Confirmation
from overcast.comparison.figures import accuracy_like
from overcast.comparison.headline import counted
from overcast.comparison.page import SINGLE_FOLD
from overcast.comparison.wording import capitalised, change, listed, number, places, sentence
from overcast.core.words import translate
from overcast.statistics.estimates import Estimate
from overcast.statistics.verdicts import Verdict, verdict
from overcast.study.layout import fold_repeats
from overcast.study.outcomes import Families, Outcome


def factorial_headline(design: Design, effects: pd.DataFrame, judged: Families) -> str:
    """What reduces overfitting on top of the others, and what makes the model better, a line each."""
    cells, factors = design.levels.shape
    told = translate("{number} mitigations", number=factors)
    if LENGTHS.fullmatch(design.factors[-1]):
        text = "{number} mitigations and a longer training" if factors > 2 else "1 mitigation and a longer training"
        told = translate(text, number=factors - 1)
    if len(design.blocks) < 2:
        text = "One fold of {factors} in {cells} combinations decides nothing."
        return translate(text, factors=told, cells=cells)
    text = "Of {factors} in {cells} combinations, each on top of the others (a mean over the rest, not against none):"
    opening = translate(text, factors=told, cells=cells)
    return "\n".join([opening, *map(capitalised, counted(effects, effects, judged))])


def effect_sentences(
    design: Design, effects: pd.DataFrame, new_data: pd.DataFrame, together: pd.DataFrame, judged: Families
) -> list[str]:
    """What each adds on top of the others and which pairs go together, how small effects are found, what is missing.

    effects, new_data: of `main_effects`, for these data and for new ones. together: of `interactions`, in the outcome
    that `accuracy_like` gives.
    """
    primary = accuracy_like(judged)
    whole = len(design.blocks) >= 2
    digits = {outcome.column: places(effects, outcome) if whole else 2 for outcome in judged.judged}
    ranked = effects.sort_values(f"change/{primary.column}", ascending=not primary.larger_is_better)
    lines = [sentence(row, judged, digits) for _, row in ranked.iterrows()]
    if not whole:
        lines.append(translate("One fold alone says nothing of the error: no interval, and nothing is decided"))
    else:
        lines += [*_pairs(together, primary), _detectable(design, judged)]
        lines.append(translate(SINGLE_FOLD) if design.single_fold else _new_data(new_data, judged))
    return [*lines, *incomplete_sentences(design)]


def _pairs(together: pd.DataFrame, outcome: Outcome) -> list[str]:
    """Which are known to help or to fight each other."""
    column = f"change/{outcome.column}"
    directions = together[f"verdict/{outcome.column}"].map(lambda each: Verdict(each).direction)
    digits = places(together.assign(pairs=2), outcome)
    lines = []
    for sign in (1, -1):
        text = (
            "{first} and {second} help each other: {effect}; where one is on, the other adds so much more than on "
            "average"
            if sign > 0
            else "{first} and {second} fight each other: {effect}; where one is on, the other adds so much less than "
            "on average"
        )
        for _, row in together[directions == sign].sort_values(column, ascending=sign < 0).iterrows():
            effect = f"{outcome.label} {change(row, outcome, digits)}"
            lines.append(translate(text, first=row["first"], second=row["second"], effect=effect))
    if lines:
        return lines
    widest = float((together[f"{column}/high"] - together[f"{column}/low"]).max()) / 2
    known = f"{number(widest, digits, outcome.scale)} {outcome.unit}".strip()
    text = "No pair is known to help or fight each other; each of {number} is known to ±{known}"
    return [translate(text, number=len(together), known=known)]


def _detectable(design: Design, judged: Families) -> str:
    """Beside what as many runs would find by changing one at a time."""
    parts = []
    for family in (judged.overfitting, judged.better):
        for outcome in family:
            fit = design.fit(outcome.column)
            samples = design.sample_variance(outcome.column, fit.effect_weights[: len(design.factors)])
            ours, alone = fit.detectable(len(family), float(samples.mean()))
            shown = [number(value, 1 if outcome.percent else 3, outcome.scale) for value in (ours, alone)]
            text = "{outcome} {size} {unit} ({alone} by as many runs one at a time)"
            parts.append(translate(text, outcome=outcome.label, size=shown[0], unit=outcome.unit, alone=shown[1]))
    return translate("Found in four of five such studies: {differences}", differences=listed(parts))


def _new_data(effects: pd.DataFrame, judged: Families) -> str:
    """What still differs from zero where the intervals speak of new data."""
    parts, nothing = [], translate("none of them")
    for outcome in judged.judged:
        directions = effects[f"verdict/{outcome.column}"].map(lambda each: Verdict(each).direction)
        names = list(effects.loc[directions != 0, "cell"])
        cells = listed(names, len(names)) if names else nothing
        parts.append(translate("in {outcome}: {cells}", outcome=outcome.label, cells=cells))
    text = (
        "The intervals speak of these data. For new data of this kind, with the most that folds may share "
        "(docs/statistics.md), still better or worse {found}"
    )
    return translate(text, found="; ".join(parts))


def incomplete_sentences(design: Design) -> list[str]:
    """Which folds count in no effect, and why."""
    text = "Folds left out, since not every combination has finished in them: {lacking}"
    return [translate(text, lacking=_lacking(design))] if design.incomplete else []


def _lacking(design: Design) -> str:
    """``0 lacks none; 3 lacks dropout``."""
    return "; ".join(
        translate("{fold} lacks {cell}", fold=block, cell=translate(cell)) for block, cell in design.incomplete.items()
    )


def why_no_effect(design: Design | None, trials: pd.DataFrame) -> str:
    """Of the trials of a factorial study that are no design, or of one without a whole fold."""
    if design:
        text = "no effect can be estimated: not one fold has a finished run of every combination ({lacking})."
        return translate(text, lacking=_lacking(design))
    recipes = set(recipe_names(trials))
    factors = {name for recipe in recipes for name in recipe.split("+")} - {"none"}
    text = (
        "no effect can be estimated: the {number} combinations of {factors} mitigations that have trials do not tell "
        "their effects apart. If the study is not whole, its command goes on with it."
    )
    return translate(text, number=len(recipes), factors=len(factors))


def recipe_sentences(
    design: Design, confirmation: Confirmation | None, judged: Families, command: str = "", study: str = "factorial"
) -> list[str]:
    """The recipe, how it was chosen, and whether other folds confirm it; the command that runs what was predicted."""
    if confirmation is None:
        text = (
            "No recipe is chosen by some folds and confirmed on others: that takes three or more folds that are whole, "
            "of one split, and test rows that no choice was made by"
        )
        return [translate(text)]
    c = confirmation
    chosen, tested = folds(c.choosing), folds(c.confirming)
    how = translate("measured" if c.measured[0] else "predicted")
    own = [f"{o.label} {_mean(c.means[o.column], o)}" for o in judged.better]
    text = (
        "Best recipe: {recipe}, chosen by the validation parts of {chosen}, tested on the test parts of {tested}: "
        "{how} {outcomes}"
    )
    lines = [translate(text, recipe=c.names[0], chosen=chosen, tested=tested, how=how, outcomes=listed(own))]
    for at, (name, sure) in enumerate(zip(c.against, c.measured[1:], strict=True)):
        rival = "none" if name == "none" else translate("all of them" if sure else "all of them (predicted)")
        gains = [_gain(c, at, o) for o in judged.better]
        lines.append(translate("The recipe against {rival}: {gains}", rival=rival, gains="; ".join(gains)))
    if not all(np.isfinite(each.margin).all() for each in c.means.values()):
        lines.append(translate("One fold alone confirms nothing: run the study on more folds"))
    if not all(c.measured):
        unmeasured = [name for name, sure in zip(c.names, c.measured, strict=True) if not sure]
        text = "Not run but predicted: {recipes}. To run: {command}"
        confirming = confirmation_command(c, design.seeds, command, study)
        lines.append(translate(text, recipes=listed(unmeasured), command=confirming))
    return lines


def _mean(estimate: Estimate, outcome: Outcome) -> str:
    """That of the first recipe: ``85.1 % [83.0, 87.2]``, within the outcome's range."""
    values = np.clip([estimate.mean[0], estimate.low[0], estimate.high[0]], *outcome.range)
    mean, low, high = (number(float(value), 1 if outcome.percent else 2, outcome.scale) for value in values)
    shown = f"{mean} %" if outcome.percent else mean
    return f"{shown} [{low}, {high}]" if np.isfinite(estimate.margin[0]) else shown


def _gain(confirmation: Confirmation, at: int, outcome: Outcome) -> str:
    column, estimate = f"change/{outcome.column}", confirmation.gains[outcome.column]
    low, high = float(estimate.low[at]), float(estimate.high[at])
    row = pd.Series({column: float(estimate.mean[at]), f"{column}/low": low, f"{column}/high": high})
    said = verdict(low, high, outcome.margin, outcome.larger_is_better)
    said = unless_flattered(said, confirmation.diverged[0], confirmation.diverged[at + 1])
    return f"{outcome.label} {change(row, outcome, 1 if outcome.percent else 2)}, {translate(said)}"


def confirmation_command(
    confirmation: Confirmation, seeds: int = 1, command: str = "", study: str = "factorial"
) -> str:
    """The command of a study of the recipe, none and all of them on the folds that the choice has not used.

    seeds: a fold. command: that of the factorial study, whose other words are kept. study: its name, under which it
    would be taken for the same study, and lose its own cells. All at the length of the recipe's training.
    """
    changed = (
        r"\s+\+*(study\.(mitigations|epochs)=\[[^]]*\]|study\.(name|design|folds|seeds|budget)=\S+"
        r"|hydra\.sweeper\.repeats=\[[^]]*\])"
    )
    kept = re.sub(changed, "", command or "python pipelines/train.py +study=factorial")
    lengths = LENGTHS.search("+".join(confirmation.names))
    epochs = f" epochs={lengths[1 if LENGTHS.search(confirmation.names[0]) else 2]}" if lengths else ""
    names = dict.fromkeys(LENGTHS.sub("", name) for name in confirmation.names)
    recipes = ",".join(name for name in names if name not in ("", "none"))
    repeats = ",".join(f"'{repeat}'" for repeat in fold_repeats(confirmation.confirming, seeds))
    return (
        f'{kept} study.name={study}_confirmed study.design=one_at_a_time "study.mitigations=[{recipes}]" '
        f'study.folds=null{epochs} "hydra.sweeper.repeats=[{repeats}]"'
    )


def folds(numbers: Sequence[object]) -> str:
    """``fold 3``, or ``folds 3, 4``."""
    return translate("folds {numbers}" if len(numbers) > 1 else "fold {numbers}", numbers=", ".join(map(str, numbers)))
