"""A study's verdict, which opens its report: what reduces overfitting, what makes the model better, what it costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from overcast.comparison.wording import capitalised, cell, interval, listed, number, places
from overcast.core.words import translatable, translate
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import PRIMARY, Families, Outcome, families

COUNTED = {
    ("overfitting", 1): (
        translatable("not one reduces overfitting"),
        translatable("1 reduces overfitting"),
        translatable("{number} reduce overfitting"),
    ),
    ("overfitting", -1): ("", translatable("1 increases it"), translatable("{number} increase it")),
    ("better", 1): (
        translatable("not one makes the model better"),
        translatable("1 makes the model better"),
        translatable("{number} make the model better"),
    ),
    ("better", -1): ("", translatable("1 makes it worse"), translatable("{number} make it worse")),
}
"""Of a family and a direction: what none, one and several of its comparisons do."""


def headline(table: pd.DataFrame, judged: Families | None = None) -> str:
    """The study's verdict: what reduces overfitting, what makes the model better, what it costs; a line each."""
    judged = judged or families()
    compared = table[table["pairs"] >= 2]
    if len(table) == 1:
        return f"{translate('There is one cell, and nothing to compare it with.')}\n{_best(table)}"
    if compared.empty:
        return f"{translate('Nothing could be compared: that needs at least 2 repeats.')}\n{_best(table)}"
    first, *others = counted(compared, table, judged)
    text = "Of {number} compared with {baselines}, {found}"
    opening = translate(text, number=len(compared), baselines=_baselines(table), found=first)
    lines = [opening, *map(capitalised, others)]
    return "\n".join([*lines, *(text for text in (cost(compared, table), _best(table)) if text)])


def counted(compared: pd.DataFrame, table: pd.DataFrame, judged: Families) -> list[str]:
    """A line a judged outcome: how many of those compared change it which way, and which."""
    return [
        *(_counted(compared, table, outcome, "overfitting") for outcome in judged.overfitting),
        *(_counted(compared, table, outcome, "better") for outcome in judged.better),
    ]


def _counted(compared: pd.DataFrame, table: pd.DataFrame, outcome: Outcome, family: str) -> str:
    """``3 reduce overfitting (gap in …): a (−0.40), b and c; 1 increases it: d; 2 are equivalent, 11 undecided.``"""
    several, digits = table["data"].nunique() > 1, places(table, outcome)
    column = f"change/{outcome.column}"
    found = compared[f"verdict/{outcome.column}"]
    direction = found.map(lambda each: Verdict(each).direction)
    ordered = compared.sort_values(column, ascending=not outcome.larger_is_better, kind="stable")
    parts = []
    for sign in (1, -1):
        some = ordered[direction.loc[ordered.index] == sign]
        some = some if sign > 0 else some.iloc[::-1]
        names = [
            f"{cell(row, several)} ({number(row[column], digits, outcome.scale, sign=True)})"
            for _, row in some.iterrows()
        ]
        if sign > 0 or names:
            label = f" ({outcome.label})" if sign > 0 else ""
            told = translate(COUNTED[family, sign][min(len(names), 2)], number=len(names))
            parts.append(f"{told}{label}{': ' + listed(names) if names else ''}")
    left = (Verdict.EQUIVALENT, Verdict.UNDECIDED, Verdict.NOT_JUDGED)
    counts = {each: int((found == each.value).sum()) for each in left}
    rest = [
        translate("{number} {verdict}", number=many, verdict=translate(each.value))
        for each, many in counts.items()
        if many
    ]
    return "; ".join([*parts, *([", ".join(rest)] if rest else [])]) + "."


def cost(compared: pd.DataFrame, table: pd.DataFrame) -> str:
    """Which take much more time than the baseline, and how much the others; "" where no time is known.

    compared: the rows of the table that are.
    """
    times = compared[np.isfinite(compared["time"])]
    if times.empty:
        return ""
    several = table["data"].nunique() > 1
    dear = times[times["time"] >= 1.5].sort_values("time", ascending=False)
    names = [f"{cell(row, several)} ({number(row['time'], 1, 1)}×)" for _, row in dear.iterrows()]
    rest = times[times["time"] < 1.5]
    most = number(rest["time"].max(), 1, 1)
    equal = table.groupby("context")["epochs"].nunique().max() == 1
    if not names:
        text = (
            "Each costs at most {most}× the time at equal epochs." if equal else "Each costs at most {most}× the time."
        )
    elif rest.empty:
        text = "Dearest at equal epochs: {cells}." if equal else "Dearest: {cells}."
    elif equal:
        text = "Dearest at equal epochs: {cells}; the others cost at most {most}× the time."
    else:
        text = "Dearest: {cells}; the others cost at most {most}× the time."
    return translate(text, cells=listed(names) if names else "", most=most)


def _baselines(table: pd.DataFrame) -> str:
    """The one cell that everything is compared with or, where each context has its own, what they are called."""
    cells, mitigations = (list(dict.fromkeys(table[column])) for column in ("baseline", "against"))
    return listed(cells if len(cells) == 1 else mitigations)


def _best(table: pd.DataFrame) -> str:
    whole = table[table["diverged"] == 0]
    row, digits = table.loc[(whole if len(whole) else table)[PRIMARY.column].idxmax()], places(table)
    limits = f" {interval(row, PRIMARY.column, digits)}" if np.isfinite(row[f"{PRIMARY.column}/low"]) else ""
    name = cell(row, table["data"].nunique() > 1)
    return translate(
        "Highest mean {outcome}: {cell}, {mean}.", outcome=PRIMARY.label, cell=name,
        mean=f"{number(row[PRIMARY.column], digits)} %{limits}",
    )  # fmt: skip
