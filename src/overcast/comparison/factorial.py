"""A factorial study's report: which mitigations matter on top of the others, which pairs fight, the best recipe."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from overcast.comparison.factorial_design import Design, confirm, interactions, main_effects, read_design
from overcast.comparison.factorial_figures import sections
from overcast.comparison.factorial_wording import headline, incomplete_sentences, recipe_sentences, sentences
from overcast.comparison.figures import accuracy_like
from overcast.comparison.pairs import contexts
from overcast.core.words import translate
from overcast.html.page import Section
from overcast.study.outcomes import Families, families


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


def factorial_report(trials: pd.DataFrame, judged: Families | None = None, command: str = "") -> FactorialReport | None:
    """The report on trials as `overcast.comparison.trials.trials` gives them; None if they are of another design.

    command: that of the study, to say which one confirms a recipe that was not run.
    """
    judged = judged or families()
    designs = [(each.name, read_design(each.trials, judged)) for each in contexts(trials)]
    parts = [_part(name, design, judged, command) for name, design in designs if design]
    if not parts:
        return None
    return FactorialReport(
        pd.concat([part.effects for part in parts], ignore_index=True),
        "\n".join(part.headline for part in parts),
        [line for part in parts for line in part.sentences],
        [section for part in parts for section in part.sections],
    )


def _part(context: str, design: Design, judged: Families, command: str) -> FactorialReport:
    """The report on one context."""
    opening = f"{context}: " if context else ""
    if not design.blocks:
        lines = incomplete_sentences(design)
        why = translate("no effect can be estimated: not one fold has a finished run of every combination.")
        return FactorialReport(pd.DataFrame(), f"{opening}{why}", lines, [Section(opening + translate("Effects"), why)])
    effects, new_data = (main_effects(design, judged, new) for new in (False, True))
    primary = accuracy_like(judged)
    together, confirmation = interactions(design, primary), confirm(design, judged)
    lines = sentences(design, effects, new_data, together, judged)
    lines += recipe_sentences(design, confirmation, judged, command)
    shown = sections(opening, effects, together, lines, judged, confirmation)
    return FactorialReport(effects.assign(context=context), opening + headline(design, effects, judged), lines, shown)
