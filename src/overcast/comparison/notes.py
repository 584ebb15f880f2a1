"""What a reader should know about a study before believing it: what is missing, undecided or told by one test alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from overcast.comparison.wording import cell, listed, verdict_name
from overcast.core.words import translate
from overcast.statistics.estimates import ALPHA
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import Families, Outcome, families

NOTED = (
    "failed", "missing", "diverged", "left_out", "families", "post_hoc", "looks", "looked", "remarks", "tuned", "runs",
    "repeats", "done", "unfinished",
)  # fmt: skip
"""What of a study's info stands in the notes, or is no fact of its own."""


def study_notes(table: pd.DataFrame, info: Mapping[str, Any], cells: bool = True) -> list[str]:
    """What a reader should know about this study before believing it.

    cells: also what is known of its cells one by one, which a study that tells of their means does not.

    Of the info, ``unfinished`` is how many of the planned ``runs`` neither finished nor diverged; ``failed`` names
    trials that failed, ``missing`` finished ones of which neither folder nor artifacts are where they were recorded;
    ``diverged`` and ``left_out`` tell of cells; ``post_hoc`` of what was changed after the first trial; ``looked`` of
    what the looks stopped, ``remarks`` of its epochs and splits, ``tuned`` of strengths that were chosen.
    """
    failed, lost = (list(info.get(key, ())) for key in ("failed", "missing"))
    several = table["data"].nunique() > 1
    looked = "stopped" in table and table["look"].max() > 0  # what stopped is not missing
    missing = 0 if looked else int(info.get("unfinished", 0))
    judged = info.get("families") or families()
    sentences = [str(line) for name in ("post_hoc", "looked", "remarks", "tuned") for line in info.get(name, ())]
    sentences += [translate("Failed: {trials}.", trials=listed(failed))] if failed else []
    sentences += [translate("{diverged}: never called better.", diverged=line) for line in info.get("diverged", ())]
    sentences += [translate("Left out: {cell}.", cell=line) for line in info.get("left_out", ())]
    if missing:
        text = "{number} of {planned} planned trials are missing."
        sentences.append(translate(text, number=missing, planned=info["runs"]))
    if lost:
        text = "Not found: {number} of this study's finished runs ({runs})."
        sentences.append(translate(text, number=len(lost), runs=listed(lost)))
    lacking = table[table["repeats"] + table["diverged"] < table["planned"]]
    for _, row in lacking.iterrows() if missing and cells else ():
        text, name = "{cell}: {number} of {planned} repeats finished.", cell(row, several)
        sentences.append(translate(text, cell=name, number=row["repeats"], planned=row["planned"]))
    odd = table[(table["against"] != "none") | (table["mitigation"] == "none")]
    odd = odd[~odd["is_baseline"]]
    text = "{cell} is what the others are compared with."
    sentences += [translate(text, cell=base) for base in odd["baseline"].unique()]
    of_cells = [*undecided(table, judged), *disagreements(table, judged), *by_length(table, judged)] if cells else []
    return [*sentences, *of_cells]


def undecided(table: pd.DataFrame, judged: Families) -> list[str]:
    """Of each outcome and context what would decide those that are undecided, or that no number of seeds will."""
    sentences = []
    for outcome in judged.judged:
        open_rows = table[table[f"verdict/{outcome.column}"] == Verdict.UNDECIDED.value]
        seeds = open_rows[f"seeds/{outcome.column}"]
        for (context, _), rows in open_rows.groupby(["context", seeds.isna()], sort=False):
            where = f" ({context})" if table["context"].nunique() > 1 else ""
            many = translate("Undecided in {outcome}: {number}.", outcome=outcome.label + where, number=len(rows))
            sentences.append(f"{many} {_enough_seeds(seeds[rows.index].max(), rows['single_fold'].all())}")
    return sentences


def _enough_seeds(seeds: float, single_fold: bool) -> str:
    """NaN where no number is."""
    if np.isnan(seeds):
        text = (
            "No number of seeds will decide them: they do not average away what lies in the data. More data, or a "
            "wider margin, would."
        )
        return translate(text)
    if single_fold:
        text = "{seeds} seeds would decide them if the truth were zero or the margin."
    else:
        text = "{seeds} seeds a fold would decide them if the truth were zero or the margin."
    return translate(text, seeds=int(seeds))


def disagreements(table: pd.DataFrame, judged: Families) -> list[str]:
    """Where flipping whole folds' signs says something else than the interval: decided by one of them alone.

    Of a sequential study nothing: there is no p-value that spends a look's error.
    """
    if "stopped" in table:
        return []
    several, sentences = table["data"].nunique() > 1, []
    for outcome in judged.judged:
        found = table[f"verdict/{outcome.column}"].map(lambda each: Verdict(each).direction if each else 0)
        p = table[f"sign_flip/{outcome.column}"]
        known = p.notna() & (table[f"verdict/{outcome.column}"] != Verdict.NOT_JUDGED.value)
        only_flips, only_interval = (
            table[known & (p < ALPHA) & (found == 0)],
            table[known & (p >= ALPHA) & (found != 0)],
        )
        differing, not_differing = (
            listed([cell(row, several) for _, row in rows.iterrows()]) if len(rows) else ""
            for rows in (only_flips, only_interval)
        )
        if differing and not_differing:
            text = (
                "By flipping the signs of whole folds, which takes folds as independent, {differing} would differ from "
                "zero, and {not_differing} would not, in {outcome}."
            )
        elif differing:
            text = (
                "By flipping the signs of whole folds, which takes folds as independent, {differing} would differ from "
                "zero, in {outcome}."
            )
        elif not_differing:
            text = (
                "By flipping the signs of whole folds, which takes folds as independent, {not_differing} would not "
                "differ from zero, in {outcome}."
            )
        else:
            continue
        values = {"differing": differing, "not_differing": not_differing, "outcome": outcome.label}
        sentences.append(translate(text, **values))
    return sentences


def by_length(table: pd.DataFrame, judged: Families) -> list[str]:
    """Of each outcome, the cells whose verdict is not the same at all lengths of training, where a study crosses them.

    Each length is a context of its own then, judged by itself: that a difference is decided at one length and not at
    another does not show that the lengths differ.
    """
    rows = table[~table["is_baseline"]]
    if rows["epochs"].nunique() < 2 or rows.groupby("context")["epochs"].nunique().max() > 1:
        return []
    several = table["data"].nunique() > 1
    names = [cell(row, several).replace(f" · epochs={row['epochs']}", "") for _, row in rows.iterrows()]
    rows = rows.assign(name=names).sort_values("epochs", kind="stable")
    sentences = []
    for outcome in judged.judged:
        column = f"verdict/{outcome.column}"
        differing = [
            f"{name} ({', '.join(_at_length(row, outcome) for _, row in some.iterrows())})"
            for name, some in rows.groupby("name", sort=False)
            if some[column].nunique() > 1
        ]
        if differing:
            text = (
                "The verdict in {outcome} is not the same at all lengths of training: {cells}. Whether it depends on "
                "the length, study.epochs=[…] would test, which makes it a factor."
            )
            sentences.append(translate(text, outcome=outcome.label, cells="; ".join(differing)))
    return sentences


def _at_length(row: pd.Series, outcome: Outcome) -> str:
    found = verdict_name(Verdict(row[f"verdict/{outcome.column}"]), outcome)
    return translate("{epochs} epochs: {verdict}", epochs=row["epochs"], verdict=found)
