"""A study's comparison as Python has it: the tables to work on, and what was said and written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from overcast.comparison import wording
from overcast.comparison.compare import compare, diverged_trials, evaluate_missing, find_study
from overcast.comparison.trials import trials
from overcast.config.compose import compose_tracking
from overcast.core.errors import UserError
from overcast.core.paths import project_path
from overcast.study.lookup import study_runs
from overcast.tracking.store import open_store

NAMES = ("context", "data", "model", "mitigation", "cell", "baseline", "against")
"""The columns of the table that hold text."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """study: its id. table: a row a cell, as `overcast.comparison.table.table` says. trials: a row a trial.

    verdicts: a sentence for each comparison. report: the page. text: all that ``pipelines/compare.py`` prints.
    """

    study: str
    table: pd.DataFrame
    trials: pd.DataFrame
    verdicts: list[str]
    report: Path
    text: str


def compare_study(study: str = "") -> Comparison:
    """Compare as `overcast.comparison.compare.compare` does, into ``reports/<study>/``; the errors are its own."""
    store = open_store(compose_tracking())
    if store is None:
        raise UserError("tracking=off: a study is found by its records in MLflow. Name another in params.yaml")
    key = find_study(store, study).tags["study"]
    text = compare(key)
    report = project_path(f"reports/{key}").absolute() / "report.html"
    table = _read_table(report.with_name("table.csv"))
    with TemporaryDirectory(prefix="overcast-") as fetched:
        runs = study_runs(store, key, Path(fetched))
        useless = evaluate_missing(runs)
        diverged = [*useless.values(), *diverged_trials(store, key, {run.facts["identity"] for run in runs})]
        rows = trials([run for run in runs if run not in useless], diverged)
    return Comparison(key, table, rows, wording.verdicts(table), report, text)


def _read_table(path: Path) -> pd.DataFrame:
    """The table as it was written: an empty cell is no number, but a name that is empty."""
    numbers = pd.read_csv(path, nrows=0).columns.difference(NAMES)
    unknown = {name: [""] for name in numbers}
    return pd.read_csv(path, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=unknown)
