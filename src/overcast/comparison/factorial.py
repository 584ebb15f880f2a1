"""A factorial study's report: which mitigations matter on top of the others, which pairs fight, the best recipe."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from overcast.comparison.factorial_design import Design, confirm, effects_table, read_design
from overcast.comparison.factorial_figures import sections
from overcast.comparison.factorial_wording import headline, incomplete_sentences, recipe_sentences, sentences
from overcast.comparison.pairs import contexts
from overcast.html.page import Section


@dataclass(frozen=True, eq=False)
class FactorialReport:
    """What a factorial study says.

    effects: a row an effect and outcome: ``context``, ``outcome`` (its column), ``kind`` ("main", "pair"), ``effect``,
    ``first`` and ``second`` (of a pair), ``mean``, ``low`` and ``high`` (simultaneous over those of a kind and
    outcome), ``standard_error``, ``clear``; accuracies as fractions. headline: one or two sentences. sentences: each
    result in words. sections: the same as figures, for a page.
    """

    effects: pd.DataFrame
    headline: str
    sentences: list[str]
    sections: list[Section]


def factorial_report(trials: pd.DataFrame, command: str = "") -> FactorialReport | None:
    """The report on trials as `overcast.comparison.trials.trials` gives them; None if they are of another design.

    command: that of the study, to say which one confirms a recipe that was not run.
    """
    parts = [_part(each.name, design, command) for each in contexts(trials) if (design := read_design(each.trials))]
    if not parts:
        return None
    return FactorialReport(
        pd.concat([part.effects for part in parts], ignore_index=True),
        " ".join(part.headline for part in parts),
        [line for part in parts for line in part.sentences],
        [section for part in parts for section in part.sections],
    )


def _part(context: str, design: Design, command: str) -> FactorialReport:
    """The report on one context."""
    opening = f"{context}: " if context else ""
    if not design.blocks:
        lines = incomplete_sentences(design)
        why = "no effect can be estimated: not one fold has a finished run of every combination."
        return FactorialReport(pd.DataFrame(), f"{opening}{why}", lines, [Section(f"{opening}Effects", why)])
    effects, confirmation = effects_table(design), confirm(design)
    lines = [*sentences(design, effects), *recipe_sentences(design, confirmation, command)]
    shown = sections(opening, effects, lines, design.mitigations, confirmation)
    return FactorialReport(effects.assign(context=context), opening + headline(design, effects), lines, shown)
