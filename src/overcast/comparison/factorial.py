"""A factorial study's report: which mitigations matter on top of the others, which pairs fight, the best recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from overcast.comparison.factorial_design import Design, interactions, main_effects, read_design
from overcast.comparison.factorial_figures import sections
from overcast.comparison.factorial_recipe import confirm
from overcast.comparison.factorial_wording import effect_sentences, factorial_headline, recipe_sentences, why_no_effect
from overcast.comparison.figures import accuracy_like
from overcast.comparison.pairs import Answers, Context, contexts
from overcast.comparison.wording import capitalised
from overcast.core.words import translatable, translate
from overcast.html.page import BulletList, Section
from overcast.study.outcomes import Families, families

Parts = Callable[[str], NDArray[np.str_]]
"""Of a run, by its ``run_id``, the part of each row (N,)."""

ELSEWHERE = translatable(
    "Predictions that joined the study: compared with its control as a cell is, and in none of the effects."
)


@dataclass(frozen=True, eq=False)
class FactorialReport:
    """What a factorial study says.

    effects: a row a mitigation, as `overcast.comparison.factorial_design.main_effects` gives it, with its ``context``.
    headline: a line an outcome. sentences: each result in words. sections: the same as figures, for a page.
    """

    effects: pd.DataFrame
    headline: str
    sentences: list[str]
    sections: list[Section]


def factorial_report(
    trials: pd.DataFrame,
    parts: Parts,
    answers: Answers | None = None,
    judged: Families | None = None,
    command: str = "",
    study: str = "factorial",
    joined: Sequence[str] = (),
) -> FactorialReport | None:
    """The report on trials as `overcast.comparison.trials.trials` gives them; None where they tell of no effect.

    trials: of the study's own cells, those that diverged too. parts: of their runs. answers: to a fixed test part.
    command, study: its command and name, to say what confirms a recipe that was not run. joined: a sentence on each
    cell from elsewhere.
    """
    judged = judged or families()
    told = [
        _part(context.name, design, _of_folds(context, parts), judged, command, study)
        for context, design in _designs(trials, judged, answers or {})
        if design and design.blocks
    ]
    if not told:
        return None
    beside = [Section(translate("From elsewhere"), translate(ELSEWHERE), [BulletList(joined)])] if joined else []
    return FactorialReport(
        pd.concat([part.effects for part in told], ignore_index=True),
        "\n".join(part.headline for part in told),
        [*(line for part in told for line in part.sentences), *joined],
        [*(section for part in told for section in part.sections), *beside],
    )


def without_effects(trials: pd.DataFrame, judged: Families | None = None) -> list[str]:
    """Of each context of a factorial study whose trials, as above, tell of no effect: why."""
    lines = []
    for context, design in _designs(trials, judged or families(), {}):
        if not (design and design.blocks):
            why = why_no_effect(design, context.trials)
            lines.append(f"{context.name}: {why}" if context.name else capitalised(why))
    return lines


def _designs(trials: pd.DataFrame, judged: Families, answers: Answers) -> list[tuple[Context, Design | None]]:
    return [(context, read_design(context.trials, judged, answers)) for context in contexts(trials)]


def _of_folds(context: Context, parts: Parts) -> dict[int, NDArray[np.str_]]:
    """The part of each row in each fold, as its first run has them."""
    first = context.trials[~context.trials["diverged"]].drop_duplicates("fold")
    return {int(fold): parts(run) for fold, run in zip(first["fold"], first["run_id"], strict=True)}


def _part(
    context: str, design: Design, parts: Mapping[int, NDArray[np.str_]], judged: Families, command: str, study: str
) -> FactorialReport:
    """The report on one context."""
    opening = f"{context}: " if context else ""
    effects, new_data = (main_effects(design, judged, new) for new in (False, True))
    primary = accuracy_like(judged)
    together, confirmation = interactions(design, primary), confirm(design, judged, parts)
    lines = effect_sentences(design, effects, new_data, together, judged)
    lines += recipe_sentences(design, confirmation, judged, command, study)
    shown = sections(opening, effects, together, lines, judged, confirmation)
    return FactorialReport(
        effects.assign(context=context), opening + factorial_headline(design, effects, judged), lines, shown
    )
