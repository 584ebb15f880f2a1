"""A sequential study: looks after whole blocks of folds, by which comparisons stop; the same again when it is reported.

What stopped, and when, follows from the trials and the planned looks alone, so that it is worked out anew each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from overcast.comparison.changes import not_flattered
from overcast.comparison.pairs import Answers, finished_contexts
from overcast.comparison.study_plan import read_plan
from overcast.comparison.study_record import diverged_trials, evaluate_missing, trial_table
from overcast.comparison.table import comparison_table
from overcast.comparison.trials import answers
from overcast.comparison.wording import listed
from overcast.core.words import translatable, translate
from overcast.statistics.sequential import spent
from overcast.statistics.verdicts import Verdict
from overcast.study.lookup import planned_trials, whole_runs
from overcast.study.outcomes import PRIMARY, Families, families
from overcast.tracking.store import TrackingStore

STOP_NOTES = {
    "decided": translatable("After {folds} folds decided: {cells}."),
    "futile": translatable("After {folds} folds could not be decided any more: {cells}."),
}
"""Why a cell gets no more runs."""


def look_tables(trials: pd.DataFrame, info: Mapping[str, Any], answers: Answers) -> list[pd.DataFrame]:
    """`comparison_table` at each look that there was, each with what it spends of the family's error.

    A verdict stands from the look at which it was decided, with the interval of that look, unless it is in favour of
    what has diverged since. A cell stops when each of
    its comparisons is decided or futile: ``look``: after how many folds that was, or the last look; ``stopped``: why,
    "decided", "futile" or "". A trial that failed is missing at a look, as it is in any comparison.

    Before the first block is whole there is one table, of what there is, in which nothing is judged: ``look`` is 0.

    info: as for `comparison_table`, and the planned ``looks``, in folds; without any there is one table, of the whole.
    """
    if not info.get("looks"):
        return [comparison_table(trials, info, answers)]
    judged, looks = info.get("families") or families(), list(info["looks"])
    tables, before = list[pd.DataFrame](), 0
    for folds, alpha in zip(looks, spent(looks), strict=True):
        some = trials[trials["fold"] < folds]
        block = some[some["fold"] >= before]
        if (tables and not _looked(block, tables[-1], folds - before)) or not _any_finished(some):
            break
        repeats = int(info.get("repeats", 0)) * folds // looks[-1]
        now = comparison_table(some, {**info, "repeats": repeats}, answers, alpha, looks)
        now["look"], now["stopped"] = folds, ""
        if not tables and not _looked(block, now, folds):
            break
        now = not_flattered(_keep_decided(now, tables[-1], judged), judged) if tables else now
        tables.append(_stop(now, judged, folds == looks[-1]))
        before = folds
    if not tables:
        return [_unjudged(comparison_table(trials, info, answers), judged)]
    return [*tables[:-1], _with_all_diverged(tables[-1], trials, judged)]


def stopped_cells(table: pd.DataFrame, trials: pd.DataFrame) -> set[str]:
    """The identities of the cells that get no more runs; of a context where all have stopped, its control's too."""
    stopped = set(zip(*(table.loc[table["stopped"] != "", name] for name in ("context", "cell")), strict=True))
    for context, rows in table.groupby("context", sort=False):
        if (rows.loc[~rows["is_baseline"], "stopped"] != "").all():
            stopped.add((context, rows.loc[rows["is_baseline"], "cell"].iloc[0]))
    cells = {cell for _, cell in stopped}
    return set(trials.loc[trials["cell"].isin(cells), "identity"])


def sequential_notes(table: pd.DataFrame, info: Mapping[str, Any]) -> list[str]:
    """When the study was looked at, what stopped and why, and how many of the planned ``runs`` are ``done``, both of
    the info.
    """
    if "stopped" not in table:
        return []
    looks, last = list(info["looks"]), int(table["look"].max())
    if not last:
        text = (
            "Sequential: looks after {looks} folds are planned. There was no look yet: the first one waits until a "
            "comparison has all its folds, and nothing is judged before."
        )
        return [translate(text, looks=", ".join(map(str, looks)))]
    used, planned = info["done"], info["runs"]
    going = table[~table["is_baseline"] & (table["stopped"] == "")]
    open_cells = list(going["cell"]) if last < looks[-1] else []
    text = (
        "Sequential: looks after {looks} folds were planned, the last one was after {last}. {used} of {planned} "
        "planned runs are done ({share:.0f} %). Not through: {cells}. The study's command goes on with them."
        if open_cells
        else "Sequential: looks after {looks} folds were planned, the last one was after {last}. {used} of {planned} "
        "planned runs were enough ({share:.0f} %)."
    )
    values = {"looks": ", ".join(map(str, looks)), "last": last, "used": used, "planned": planned}
    share, cells = 100 * used / planned, listed(open_cells) if open_cells else ""
    lines = [translate(text, **values, share=share, cells=cells)]
    for folds, rows in table[table["stopped"] != ""].groupby("look"):
        for why, some in rows.groupby("stopped", sort=False):
            lines.append(translate(STOP_NOTES[str(why)], folds=folds, cells=", ".join(some["cell"])))
    return lines


def _any_finished(trials: pd.DataFrame) -> bool:
    return bool(np.isfinite(trials[PRIMARY.column].astype(float)).any())


def _unjudged(table: pd.DataFrame, judged: Families) -> pd.DataFrame:
    """Without anything that says how sure a difference is: to read it before a look would be one look more."""
    for outcome in judged.judged:
        name = f"verdict/{outcome.column}"
        table[name] = table[name].where(table["is_baseline"], Verdict.NOT_JUDGED.value)
        known = _change_columns(outcome.column) - {name, f"change/{outcome.column}"}
        table[[each for each in table if each in known]] = np.nan
    return table.assign(look=0, stopped="", flattered=False)


def _looked(block: pd.DataFrame, table: pd.DataFrame, folds: int) -> bool:
    """Whether a block of so many folds was run: some comparison went on, and it and its control have each of them."""
    going = table["stopped"] == ""
    there = block.groupby("cell")["fold"].nunique()
    whole = {str(cell) for cell in there.index[there == folds]}
    pairs = table.loc[going & ~table["is_baseline"], ["cell", "baseline"]].itertuples(index=False, name=None)
    return any(cell in whole and control in whole for cell, control in pairs)


def _keep_decided(now: pd.DataFrame, before: pd.DataFrame, judged: Families) -> pd.DataFrame:
    """Cells that stopped as they were; of the others, what was decided before as it was."""
    key = ["context", "cell"]
    old = before.set_index(key)
    table = now.set_index(key)
    for place in table.index.intersection(old.index):
        if old.at[place, "stopped"]:
            table.loc[place] = old.loc[place].reindex(table.columns)
            continue
        for outcome in judged.judged:
            if Verdict(old.at[place, f"verdict/{outcome.column}"] or Verdict.UNDECIDED).decided:
                columns = [name for name in table if name in _change_columns(outcome.column)]
                table.loc[place, columns] = old.loc[place, columns]
    return table.reset_index().reindex(columns=now.columns)


def _with_all_diverged(table: pd.DataFrame, trials: pd.DataFrame, judged: Families) -> pd.DataFrame:
    """The table of the last look, what stopped too, with what has diverged by now."""
    gone = Counter[tuple[str, str]]()
    for context in finished_contexts(trials):
        data = context.trials["data"].iloc[0]
        gone |= Counter({(data, cell): number for cell, number in context.diverged.items()})
    for name, cell in (("diverged", "cell"), ("baseline_diverged", "baseline")):
        table[name] = [gone[place] for place in zip(table["data"], table[cell], strict=True)]
    return not_flattered(table, judged)


def _change_columns(column: str) -> set[str]:
    """What `comparison_table` says of the changes in an outcome, in which columns."""
    kinds = ("change", "verdict", "sign_flip", "detectable", "seeds", "futile")
    return {f"{kind}/{column}{end}" for kind in kinds for end in ("", "/low", "/high")}


def _stop(table: pd.DataFrame, judged: Families, whole: bool) -> pd.DataFrame:
    """Say which cells stop here."""
    decided = np.column_stack(
        [[bool(each) and Verdict(each).decided for each in table[f"verdict/{o.column}"]] for o in judged.judged]
    )
    futile = np.column_stack([table[f"futile/{o.column}"].fillna(False).astype(bool) for o in judged.judged])
    free = ~table["is_baseline"].to_numpy(bool) & (table["stopped"] == "").to_numpy() & (table["pairs"] >= 2).to_numpy()
    table.loc[free & decided.all(1), "stopped"] = "decided"
    if not whole:
        table.loc[free & ~decided.all(1) & (decided | futile).all(1), "stopped"] = "futile"
    return table


def look_at(store: TrackingStore, study: str, folds: int) -> set[str]:
    """The identities of the cells that stop at a look after so many folds of a sequential study. study: its id."""
    (parent,) = store.search(study=study, role="study", limit=1)
    records = planned_trials(store, study)
    runs = whole_runs(store, records)
    no_figures = evaluate_missing(runs, read_plan(parent)["families"])
    diverged = [*no_figures.values(), *diverged_trials(records, {run.facts["identity"] for run in runs})]
    finished = [run for run in runs if run not in no_figures]
    if not finished:
        return set()
    rows = trial_table(parent, records, finished, diverged)
    rows = rows[rows["fold"] < folds]  # one that is resumed may have trials of the next block already
    if not _any_finished(rows):
        return set()
    known = answers([run for run in finished if run.facts.get("official_test")])
    return stopped_cells(look_tables(rows, read_plan(parent), known)[-1], rows)
