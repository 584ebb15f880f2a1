"""What a reader of the report moves: the looks of a sequential study, and its folds, drawn again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from overcast.comparison.figures import KINDS, STYLES
from overcast.comparison.pairs import Answers, Context, finished_contexts
from overcast.comparison.table import compare_all, fold_differences, outcome_levels
from overcast.comparison.wording import cell, places, verdict_name
from overcast.core.words import translatable, translate
from overcast.html.intervals import FoldDifferences, Interval, IntervalColumn, IntervalSteps, Resampling, Step
from overcast.html.page import BulletList, Section
from overcast.statistics.estimates import agreeing_quantile
from overcast.statistics.simultaneous import ControlComparison
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import Families, Outcome

MIN_FOLDS = 3
"""With fewer, most draws would be of one fold alone."""
DECIMALS = 6
"""Of the differences on the page, as they are shown."""

LOOK_TEXTS = {
    "steps": translatable("Look"),
    "shown": "",
    "verdict": translatable("verdict"),
    "note": translatable("runs"),
}
DRAW_TEXTS = {
    "again": translatable("Draw again"),
    "many": translatable("Draw 100 times"),
    "reset": translatable("All folds as they are"),
    "shown": translatable("this draw"),
    "verdict": translatable("the study's verdict"),
    "untouched": translatable("All folds as they are: the study's own intervals."),
    "drawn": translatable("Draw {draws}, of folds {folds}."),
    "steady": translatable("{steady} of {many} verdicts held in at least 95 % of the draws."),
    "held": translatable("held in {held} of {draws}"),
}
WHY_STOPPED = {
    "decided": translatable("decided after {folds} folds"),
    "futile": translatable("could not be decided any more after {folds} folds"),
}
"""Why a trial got no more runs."""


def interval_sections(
    looks: Sequence[pd.DataFrame], trials: pd.DataFrame, judged: Families, answers: Answers
) -> list[Section]:
    """The slider of a sequential study, the draws of any other; empty where there is nothing to move.

    looks: `look_tables`. trials, answers: as for `resampling_section`.
    """
    sequential = "stopped" in looks[-1]
    section = looks_section(looks, judged) if sequential else resampling_section(looks[-1], trials, judged, answers)
    return [section] if section else []


def looks_section(looks: Sequence[pd.DataFrame], judged: Families) -> Section | None:
    """A sequential study as it stood after each look; None without at least two of `look_tables`."""
    last = looks[-1]
    rows = last[last["pairs"] >= 2]
    if len(looks) < 2 or rows.empty:
        return None
    steps = [_step(look, rows, judged, look is last) for look in looks]
    text = translate(
        "Move the slider (or press the arrow keys) to see what was known after each look. A verdict stands from the "
        "look that decided it, with the interval of that look; what is decided in everything, or cannot be any more, "
        "gets no more runs. Shaded: the margin."
    )
    part = IntervalSteps(_names(rows), _columns(last, judged), _styles(), _translated(LOOK_TEXTS), steps)
    return Section(translate("Look by look"), text, [part])


def _step(look: pd.DataFrame, rows: pd.DataFrame, judged: Families, is_last: bool) -> Step:
    known = {(row["context"], row["cell"]): row for _, row in look.iterrows()}
    found = [known.get(key) for key in zip(rows["context"], rows["cell"], strict=True)]
    intervals = [[_interval(row, outcome) for outcome in judged.judged] for row in found]
    verdicts = [[_verdict(row, outcome).value for outcome in judged.judged] for row in found]
    notes = [_note(row, is_last) for row in found]
    return Step(translate("after {folds} folds", folds=look["look"].max()), intervals, verdicts, notes)


def _interval(row: pd.Series | None, outcome: Outcome) -> Interval | None:
    if row is None:
        return None
    low, middle, high = (
        round(outcome.scale * row[f"change/{outcome.column}{end}"], DECIMALS) for end in ("/low", "", "/high")
    )
    return (middle, low, high) if np.isfinite([low, middle, high]).all() else None


def _verdict(row: pd.Series | None, outcome: Outcome) -> Verdict:
    return Verdict.NOT_JUDGED if row is None else Verdict(row[f"verdict/{outcome.column}"] or Verdict.NOT_JUDGED)


def _note(row: pd.Series | None, is_last: bool) -> str:
    """Whether a trial got more runs."""
    if row is None or not row["stopped"]:
        return translate("open at the end" if is_last else "goes on")
    return translate(WHY_STOPPED[row["stopped"]], folds=row["look"])


def resampling_section(table: pd.DataFrame, trials: pd.DataFrame, judged: Families, answers: Answers) -> Section | None:
    """Folds to be drawn again in the browser; of the contexts in which every trial has all folds and none diverged.

    None if there are none, or fewer than `MIN_FOLDS` folds, or they are not the same in all. answers: as for
    `comparison_table`.
    """
    groups = finished_contexts(trials)
    whole = {at: context for at, context in enumerate(groups) if _is_whole(context, table, judged)}
    names = {tuple(context.fold_names) for context in whole.values()}
    if len(names) != 1 or (k := len(folds := min(names))) < MIN_FOLDS:
        return None
    compared = compare_all(groups, judged.judged, answers)
    levels = outcome_levels(compared, judged)
    rows = pd.concat([_compared(context, table) for context in whole.values()])
    differences = [
        [_differences(context, table, o, compared[o.column][at], levels[o.column]) for o in judged.judged]
        for at, context in whole.items()
    ]
    part = Resampling(
        _names(rows), _columns(table, judged), _styles(), _translated(DRAW_TEXTS), differences, folds,
        agreeing_quantile(k),
    )  # fmt: skip
    return Section(
        translate("Draw again"),
        translate(DRAW_AGAIN, k=k),
        [part, BulletList([translate(line, k=k) for line in NOT_NEW_DATA], small=True)],
    )


DRAW_AGAIN = translatable(
    "How much do the verdicts depend on which folds there were? Each press draws {k} of the {k} folds, some twice and "
    "some not at all, and judges all trials on these by the study's own rule: a verdict that often flips is a close "
    "call. Shaded: the margin."
)
NOT_NEW_DATA = (
    translatable(
        "This is not new data: all draws are of the same {k} folds. Folds drawn twice are alike, so that estimates "
        "scatter less here, and intervals are mostly narrower, than with new folds, let alone with new data."
    ),
    translatable(
        "A verdict that holds in 95 of 100 draws is not one that is true with 95 %: the study's own intervals say how "
        "sure it is."
    ),
)


def _is_whole(context: Context, table: pd.DataFrame, judged: Families) -> bool:
    """Whether there is a difference of each cell in each of several folds, and nothing that flatters any."""
    rows = table[table["context"] == context.name]
    known = [np.isfinite(fold_differences(context, outcome.column)) for outcome in judged.judged]
    several = len(context.cells) > 1 and not context.single_fold and not context.control_lost
    return several and not rows["diverged"].any() and all(each.all() for each in known)


def _compared(context: Context, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a context's comparisons, in the table's order."""
    return table[(table["context"] == context.name) & ~table["is_baseline"]]


def _differences(
    context: Context, table: pd.DataFrame, outcome: Outcome, compared: ControlComparison, level: float
) -> FoldDifferences:
    order = [context.cells[1:].index(name) for name in _compared(context, table)["cell"]]
    critical = compared.interval(level).critical
    fixed = outcome.scale**2 * compared.shared
    differences = outcome.scale * fold_differences(context, outcome.column)
    return FoldDifferences(differences[order].round(DECIMALS).tolist(), float(critical[0]), fixed[order].tolist())


def _names(rows: pd.DataFrame) -> list[str]:
    several = rows["data"].nunique() > 1
    return [cell(row, several) for _, row in rows.iterrows()]


def _columns(table: pd.DataFrame, judged: Families) -> list[IntervalColumn]:
    return [
        IntervalColumn(
            translate("change in {outcome}", outcome=outcome.label), outcome.unit, places(table, outcome),
            outcome.scale * outcome.margin,
            outcome.larger_is_better, {found.value: verdict_name(found, outcome) for found in Verdict},
        )
        for outcome in judged.judged
    ]  # fmt: skip


def _translated(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: translate(text) for name, text in texts.items()}


def _styles() -> dict[str, tuple[str, str]]:
    return {found.value: STYLES[kind] for found, kind in KINDS.items()}
