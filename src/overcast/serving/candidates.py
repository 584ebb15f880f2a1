"""What can be registered: a run as it is, the best run of a study, or a study's winner trained again on more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from overcast.core.errors import UserError
from overcast.serving.model_card import Figure, test_figures
from overcast.serving.register import Candidate
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore

BEST = "best"
AS_IT_IS = "Its figures are its own."


def run_candidate(run: Run) -> Candidate:
    """A run as it is, evaluated if it was not yet. Raises: UserError if it cannot be."""
    from overcast.evaluation.evaluate import evaluate

    if not run.metrics:
        evaluate(run)
    tags = {"fingerprint": run.facts["fingerprint"], "run": run.facts["id"]}
    return Candidate(run, test_figures(run), [run], AS_IT_IS, tags)


def best_trial(trials: pd.DataFrame) -> str:
    """The ``run_id`` of the trial with the lowest validation negative log-likelihood, of the trials of a study."""
    return str(trials.loc[trials["validation/nll"].idxmin(), "run_id"])


def best_cell(trials: pd.DataFrame) -> tuple[str, float]:
    """The cell with the lowest mean validation negative log-likelihood over its trials, and that mean."""
    means = trials.groupby("cell", sort=False)["validation/nll"].mean()
    return str(means.idxmin()), float(means.min())


def best_run(study: str, tracking: Sequence[str], fetched: Path) -> Candidate:
    """The run of a study with the lowest validation negative log-likelihood. study: "" for the one that ran last.

    Raises: UserError if there is no such study, or its runs are on several data sets.
    """
    _, trials, runs, name = _measured(study, tracking, fetched)
    found = run_candidate(runs[best_trial(trials)])
    chosen = f"It has the lowest validation negative log-likelihood of the {len(trials)} runs of the study {name}."
    tags = {**found.tags, "study": name}
    return Candidate(found.run, found.figures, found.measured, f"{chosen} {AS_IT_IS}", tags)


def study_winner(study: str, tracking: Sequence[str], fetched: Path) -> Candidate:
    """The cell of a study with the lowest mean validation negative log-likelihood, trained again on train + validation.

    Its figures are the study's: means over the cell's repeats with their intervals. Of several repeats, the new
    training has fold and seed of the first.

    Raises: UserError as `best_run` does, or if it cannot be trained without a validation part.
    """
    from overcast.serving.refit import plan_refit, refit

    store, trials, runs, name = _measured(study, tracking, fetched)
    cell, mean = best_cell(trials)
    rows = trials[trials["cell"] == cell]
    repeats = [runs[folder] for folder in rows["run_id"]]
    for run in repeats:  # whose validation parts are measured after the training
        run.refuse_removed()
    plan_refit(repeats[0].config)  # what is wrong is better said before figures are
    figures = _study_figures(rows)
    run = refit(repeats[0].config, store)
    source = (
        f"It is the cell {cell} of the study {name}, the one with the lowest mean validation negative log-likelihood "
        f"({mean:.4g} over {len(rows)} repeats), trained again on train + validation for the same "
        f"{run.config.epochs} epochs. The figures are the study's, of its {len(rows)} runs that were trained on the "
        "train part alone: these weights themselves have been measured on no sample."
    )
    tags = {"fingerprint": repeats[0].facts["fingerprint"], "run": run.facts["id"], "study": name, "cell": cell}
    return Candidate(run, figures, repeats, source, tags)


def _study_figures(rows: pd.DataFrame) -> dict[str, Figure]:
    """The mean over repeats of each test figure, with the interval of the folds' means."""
    from overcast.statistics.estimates import one_sample_t

    figures = {}
    for column in (column for column in rows if str(column).startswith("test/")):
        folds = rows.groupby(["split_seed", "fold"])[column].mean().to_numpy(float)
        if not np.isfinite(folds).all():
            continue
        estimate = one_sample_t(folds)
        value = float(estimate.mean)
        figures[str(column).removeprefix("test/")] = Figure(value, float(estimate.low), float(estimate.high))
    return figures


def _measured(
    study: str, tracking: Sequence[str], fetched: Path
) -> tuple[TrackingStore, pd.DataFrame, dict[str, Run], str]:
    """The store, a row a finished trial, each one's run by its ``run_id``, and the study's id."""
    from overcast.comparison.measured_study import measure_study
    from overcast.comparison.study_record import recorded_study

    store, record = recorded_study(study, tracking, fetched)
    measured, name = measure_study(record), record.parent.tags["study"]
    trials = measured.finished
    runs = {str(run.folder): run for run in measured.runs}
    fingerprints = {run.facts["fingerprint"] for run in runs.values()}
    if len(fingerprints) > 1:
        raise UserError(
            f"the study {name} is on {len(fingerprints)} data sets or splits, whose figures cannot be compared: "
            "register one of its runs by its folder (run=runs/…)"
        )
    return store, trials.assign(split_seed=[runs[row].config.split.seed for row in trials["run_id"]]), runs, name
