"""A study with every figure that it judges: what is still to be measured of its runs is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from overcast.comparison.factorial import without_effects
from overcast.comparison.pairs import Answers, Context, finished_contexts
from overcast.comparison.predictions import joined
from overcast.comparison.sequential import look_tables, sequential_notes
from overcast.comparison.study_plan import read_plan
from overcast.comparison.study_record import (
    check_runs,
    diverged_trials,
    evaluate_missing,
    finished_trials,
    published_splits,
    trial_table,
    unfinished_trials,
)
from overcast.comparison.trials import answers, diverged_cells
from overcast.comparison.tuned import tuned_notes
from overcast.core.errors import UserError
from overcast.core.words import translate
from overcast.study.lookup import StudyRecord
from overcast.study.outcomes import Families
from overcast.tracking.metadata import origins
from overcast.tracking.run_folder import Run


@dataclass(frozen=True, eq=False)
class MeasuredStudy:
    """runs: those that have figures. diverged: how many trials have none, and never will.

    trials: a row for each trial, diverged ones too, and for each of a model trained elsewhere; joined: the cells of the
    latter. looks: `look_tables` of
    them. info: facts and notes, and the ``families`` that are judged. fixed_answers: to an official test part, of each
    run; own_answers: to the test part of a run's own fold.
    """

    record: StudyRecord
    runs: Sequence[Run]
    diverged: int
    trials: pd.DataFrame
    joined: Sequence[str]
    looks: Sequence[pd.DataFrame]
    info: dict[str, Any]
    fixed_answers: Answers
    own_answers: Answers

    @property
    def table(self) -> pd.DataFrame:
        """Of all trials, as `overcast.comparison.table.comparison_table` says."""
        return self.looks[-1]

    @property
    def finished(self) -> pd.DataFrame:
        """The trials that did not diverge."""
        return self.trials[~self.trials["diverged"]]

    @property
    def own_trials(self) -> pd.DataFrame:
        """The study's own, diverged ones too."""
        return self.trials[~self.trials["cell"].isin(self.joined)]

    def parts(self, run_id: str) -> NDArray[np.str_]:
        """(N,) the part of each row in this run of the study's own."""
        (found,) = (run.parts for run in self.runs if str(run.folder) == run_id)
        return found

    @property
    def judged(self) -> Families:
        judged: Families = self.info["families"]
        return judged


def measure_study(record: StudyRecord, predictions: Sequence[Path] = ()) -> MeasuredStudy:
    """The study of this record. predictions: files of models trained elsewhere, which join it.

    Raises: UserError if there is no run to report on, or the predictions are none of its test part.
    """
    judged = read_plan(record.parent)["families"]
    no_figures = evaluate_missing(record.runs, judged)
    done = {run.facts["identity"] for run in record.runs}
    diverged = [*no_figures.values(), *diverged_trials(record.planned, done)]
    if diverged and len(record.runs) == len(no_figures):
        key = record.parent.tags["study"]
        raise UserError(f"the study {key} has no finished run: {len(diverged)} diverged ({diverged[0].reason})")
    info = _about(record)
    runs = [run for run in record.runs if run not in no_figures]
    trials = trial_table(record.parent, record.planned, runs, diverged)
    info |= {"tuned": tuned_notes(trials), "families": judged.known(trials.columns)}
    if record.parent.tags.get("design") == "factorial":
        info["remarks"] = [*info["remarks"], *without_effects(trials, info["families"])]
    known, official = answers(runs), {str(run.folder) for run in runs if run.facts.get("official_test")}
    for path in predictions:
        trials, of_model, note = joined(path, runs, trials)
        known, official = known | of_model, official | {*of_model}
        info["post_hoc"] = [*info["post_hoc"], note]
    fixed_answers = {run: told for run, told in known.items() if run in official}
    own_answers = {run: told for run, told in known.items() if run not in official}
    info |= {"official_test": bool(official), "diverged": diverged_cells(trials)}
    names = [path.stem for path in predictions]
    looks = look_tables(trials, info, fixed_answers)
    info |= _progress(looks[-1][~looks[-1]["cell"].isin(names)], info["runs"], len(runs) + len(diverged))
    info["looked"] = sequential_notes(looks[-1], info)
    info["remarks"] = [*info["remarks"], *lost_controls(finished_contexts(trials))]
    return MeasuredStudy(record, runs, len(diverged), trials, names, looks, info, fixed_answers, own_answers)


def _progress(table: pd.DataFrame, planned: int, done: int) -> dict[str, int]:
    """How many ``runs`` the study has when it is whole, how many are ``done``, and how many are ``unfinished``: of
    cells without a row too, and where others have repeats that are planned no more.
    """
    runs = max(planned, done)
    lacking = (table["planned"] - table["repeats"] - table["diverged"]).clip(lower=0).sum()
    return {"runs": runs, "done": done, "unfinished": max(runs - done, int(lacking))}


def lost_controls(contexts: Sequence[Context]) -> list[str]:
    """What to say of each context of whose control every trial diverged."""
    text = (
        "Every trial of {control}, with which the others were to be compared{where}, diverged: {cell} stands in its "
        "place, and nothing is judged."
    )
    return [
        translate(text, control=each.control_lost, cell=each.control, where=f" ({each.name})" if each.name else "")
        for each in contexts
        if each.control_lost
    ]


def _about(record: StudyRecord) -> dict[str, Any]:
    """What the report says of the study beside its figures: what is not in it, and what trained the rest.

    Raises: UserError if there is no run to report on.
    """
    parent, planned, runs = record.parent, record.planned, record.runs
    key, done = parent.tags["study"], {run.facts["identity"] for run in runs}
    finished = finished_trials(record)
    check_runs(record)
    return {
        "study": key,
        "folds": ", ".join(dict.fromkeys(str(run.config.folds) for run in runs)),
        "failed": unfinished_trials(planned, done),
        "missing": sorted(each.tags["mlflow.runName"] for name, each in finished.items() if name not in done),
        "left_out": parent.tags.get("left_out", "").splitlines(),
        **(plan := read_plan(parent)),
        "remarks": [*plan["remarks"], *published_splits(runs)],
        "asked before": record.asked_before,
        "command": parent.tags.get("command", ""),
        **origins([each.tags for name, each in finished.items() if name in done]),
        "when": f"{datetime.now():%Y-%m-%d %H:%M}",
    }
