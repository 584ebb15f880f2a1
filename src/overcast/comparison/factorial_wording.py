"""A factorial study in plain words; the command that confirms a recipe which was not among its runs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from overcast.comparison.factorial_design import LONGER, Confirmation, Design
from overcast.comparison.figures import accuracy_like
from overcast.comparison.wording import change, counted, listed, number, places, sentence
from overcast.statistics.estimates import Estimate
from overcast.statistics.verdicts import Verdict, verdict
from overcast.study.outcomes import Families, Outcome


def headline(design: Design, effects: pd.DataFrame, judged: Families) -> str:
    """What reduces overfitting on top of the others, and what makes the model better, a line each."""
    cells, factors = design.levels.shape
    told = f"{factors} mitigations"
    if LONGER.fullmatch(design.factors[-1]):
        told = f"{factors - 1} mitigation{'s' * (factors > 2)} and a longer training"
    if len(design.blocks) < 2:
        return f"One fold of {told} in {cells} combinations decides nothing."
    lines = [counted(effects, effects, o, "reduce overfitting", "increase it") for o in judged.overfitting]
    lines += [counted(effects, effects, o, "make the model better", "make it worse") for o in judged.better]
    opening = f"Of {told} in {cells} combinations, each on top of the others (a mean over the rest, not against none):"
    return "\n".join([opening, *(f"{line[0].upper()}{line[1:]}" for line in lines)])


def sentences(
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
        lines.append("One fold alone says nothing of the error: no interval, and nothing is decided")
    else:
        lines += [*_pairs(together, primary), _detectable(design, judged), _new_data(new_data, judged)]
    return [*lines, *incomplete_sentences(design)]


def _pairs(together: pd.DataFrame, outcome: Outcome) -> list[str]:
    """Which are known to help or to fight each other."""
    column = f"change/{outcome.column}"
    directions = together[f"verdict/{outcome.column}"].map(lambda each: Verdict(each).direction)
    digits = places(together.assign(pairs=2), outcome)
    lines = []
    for sign, less, verb in ((1, "more", "help each other"), (-1, "less", "fight each other")):
        for _, row in together[directions == sign].sort_values(column, ascending=sign < 0).iterrows():
            text = f"{row['first']} and {row['second']} {verb}: {outcome.label} {change(row, outcome, digits)}"
            lines.append(f"{text}; where one is on, the other adds so much {less} than on average")
    if lines:
        return lines
    widest = float((together[f"{column}/high"] - together[f"{column}/low"]).max()) / 2
    known = f"{number(widest, digits, outcome.scale)} {outcome.unit}".strip()
    return [f"No pair is known to help or fight each other; each of {len(together)} is known to ±{known}"]


def _detectable(design: Design, judged: Families) -> str:
    """Beside what as many runs would find by changing one at a time."""
    parts = []
    for family in (judged.overfitting, judged.better):
        for outcome in family:
            ours, alone = design.fit(outcome.column).detectable(len(family))
            shown = [number(value, 1 if outcome.percent else 3, outcome.scale) for value in (ours, alone)]
            parts.append(f"{outcome.label} {shown[0]} {outcome.unit} ({shown[1]} by as many runs one at a time)")
    return f"Found in four of five such studies: {listed(parts)}"


def _new_data(effects: pd.DataFrame, judged: Families) -> str:
    """What still differs from zero where the intervals speak of new data."""
    parts = []
    for outcome in judged.judged:
        directions = effects[f"verdict/{outcome.column}"].map(lambda each: Verdict(each).direction)
        names = list(effects.loc[directions != 0, "cell"])
        parts.append(f"{outcome.label}: {listed(names, len(names)) if names else 'none of them'}")
    return (
        "The intervals speak of these data. For new data of this kind, with the most that folds may share "
        f"(docs/statistics.md), still better or worse in {'; in '.join(parts)}"
    )


def incomplete_sentences(design: Design) -> list[str]:
    """Which folds count in no effect, and why."""
    said = "; ".join(f"{block} lacks {cell}" for block, cell in design.incomplete.items())
    return [f"Folds left out, since not every combination has finished in them: {said}"] if said else []


def recipe_sentences(
    design: Design, confirmation: Confirmation | None, judged: Families, command: str = ""
) -> list[str]:
    """The recipe, how it was chosen, and whether other folds confirm it; the command that runs what was predicted."""
    if confirmation is None:
        return ["Too few folds to choose a recipe by some and to confirm it on others: that takes three or more"]
    c = confirmation
    chosen, tested = folds(c.choosing), folds(c.confirming)
    how_chosen = f"chosen by the validation parts of {chosen}, tested on the test parts of {tested}"
    how = "measured" if c.measured[0] else "predicted"
    own = [f"{o.label} {_mean(c.means[o.column], o)}" for o in judged.better]
    lines = [f"Best recipe: {c.names[0]}, {how_chosen}: {how} {listed(own)}"]
    for at, (name, sure) in enumerate(zip(c.against, c.measured[1:], strict=True)):
        rival = "none" if name == "none" else f"all of them{'' if sure else ' (predicted)'}"
        gains = [_gain(c.gains[o.column], at, o) for o in judged.better]
        lines.append(f"The recipe against {rival}: {'; '.join(gains)}")
    if not all(np.isfinite(each.margin).all() for each in c.means.values()):
        lines.append("One fold alone confirms nothing: run the study on more folds")
    if not all(c.measured):
        unmeasured = [name for name, sure in zip(c.names, c.measured, strict=True) if not sure]
        lines.append(f"Not run but predicted: {' and '.join(unmeasured)}. To run: {confirmation_command(c, command)}")
    return lines


def _mean(estimate: Estimate, outcome: Outcome) -> str:
    """That of the first recipe: ``85.1 % [83.0, 87.2]``, within the outcome's range."""
    values = np.clip([estimate.mean[0], estimate.low[0], estimate.high[0]], *outcome.range)
    mean, low, high = (number(float(value), 1 if outcome.percent else 2, outcome.scale) for value in values)
    shown = f"{mean} %" if outcome.percent else mean
    return f"{shown} [{low}, {high}]" if np.isfinite(estimate.margin[0]) else shown


def _gain(estimate: Estimate, at: int, outcome: Outcome) -> str:
    column = f"change/{outcome.column}"
    low, high = float(estimate.low[at]), float(estimate.high[at])
    row = pd.Series({column: float(estimate.mean[at]), f"{column}/low": low, f"{column}/high": high})
    said = verdict(low, high, outcome.margin, outcome.larger_is_better)
    return f"{outcome.label} {change(row, outcome, 1 if outcome.percent else 2)}, {said}"


def confirmation_command(confirmation: Confirmation, command: str = "") -> str:
    """The command of a study of the recipe, none and all of them on the folds that the choice has not used.

    command: that of the factorial study, whose other words are kept. All at the length of the recipe's training.
    """
    changed = (
        r"\s+\+*(study\.(mitigations|epochs)=\[[^]]*\]|study\.(design|folds)=\S+|hydra\.sweeper\.repeats=\[[^]]*\])"
    )
    kept = re.sub(changed, "", command or "python pipelines/train.py +study=factorial")
    lengths = LONGER.search("+".join(confirmation.names))
    epochs = f" epochs={lengths[1 if LONGER.search(confirmation.names[0]) else 2]}" if lengths else ""
    names = dict.fromkeys(LONGER.sub("", name) for name in confirmation.names)
    recipes = ",".join(name for name in names if name not in ("", "none"))
    repeats = ",".join(f"'split.fold={fold} seed={fold}'" for fold in confirmation.confirming)
    return (
        f'{kept} study.design=one_at_a_time "study.mitigations=[{recipes}]" study.folds=null{epochs} '
        f'"hydra.sweeper.repeats=[{repeats}]"'
    )


def folds(numbers: Sequence[object]) -> str:
    """``fold 3``, or ``folds 3, 4``."""
    return f"fold{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
