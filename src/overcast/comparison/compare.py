"""Compare a study: evaluate what was not yet, then one table and one page, logged to the study's run too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from overcast.comparison import page, table_view, wording
from overcast.comparison.archive import read_archive
from overcast.comparison.description import description_md
from overcast.comparison.export import SUFFIXES, write_exports
from overcast.comparison.factorial import FactorialReport, factorial_report, without_effects
from overcast.comparison.general import GeneralReport, general_report
from overcast.comparison.headline import headline
from overcast.comparison.intervals import interval_sections
from overcast.comparison.noise import noise_sections
from overcast.comparison.notes import study_notes
from overcast.comparison.pairs import Answers
from overcast.comparison.predictions import joined
from overcast.comparison.sequential import look_tables, sequential_notes
from overcast.comparison.study_record import (
    check_runs,
    check_study_format,
    diverged_trials,
    evaluate_missing,
    finished_trials,
    published_splits,
    read_plan,
    recorded_study,
    study_record,
    trial_table,
    unfinished,
)
from overcast.comparison.table import predictor_table
from overcast.comparison.trials import answers, curves, diverged_cells
from overcast.comparison.tuned import tuned_notes, tuned_sections
from overcast.core.errors import UserError
from overcast.core.paths import project_path
from overcast.core.words import translate, use_language
from overcast.html.page import Section
from overcast.html.writer import check_folder
from overcast.study.lookup import StudyRecord
from overcast.study.outcomes import PRIMARY
from overcast.tracking.metadata import origins
from overcast.tracking.run import MlflowRun
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.tracking.ui_views import links

Judge = Callable[[str, Sequence[Run], int, int], tuple[str, str, list[Section]]]
"""Of a claim's name, a study's runs, how many are planned and how many diverged: the claim's sentence, the verdict on
it and the figures of it."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """study: its id. table: a row a cell, as `overcast.comparison.table.comparison_table` says. trials: a row a trial.

    verdicts: a sentence for each comparison. report: the page. text: all that ``pipelines/compare.py`` prints.
    """

    study: str
    table: pd.DataFrame
    trials: pd.DataFrame
    verdicts: list[str]
    report: Path
    text: str


def compare(
    study: str = "",
    out: str = "",
    tracking: Sequence[str] = (),
    judge: Judge | None = None,
    archive: str = "",
    predictions: str = "",
    language: str = "en",
) -> Comparison:
    """Evaluate a study's runs that were not yet, and write ``out``, or else ``reports/<study>/``.

    study: a study's name or id, or its parent run; "" for the one that ran last. tracking: overrides of
    ``conf/tracking``, which says where studies are recorded. judge: what judges the claim of a study that has one.
    archive: a file of `archive_study`, whose study it is then, with nothing recorded. predictions: csv files of models
    trained elsewhere, which join the comparison (`overcast.comparison.predictions`). language: of all that is written
    for people to read.

    Raises: UserError if there is no such study or language, or another version of overcast recorded it.
    """
    with use_language(language), TemporaryDirectory(prefix="overcast-") as folder:
        if not archive:
            store, record = recorded_study(study, tracking, Path(folder))
            return _compared(record, store, out, judge, predictions)
        if study or tracking:
            raise UserError("archive=… holds its study: leave study=… and tracking=… out")
        record = read_archive(Path(archive), Path(folder))
        check_study_format(record.parent)
        return _compared(record, None, out, judge, predictions)


def _compared(
    record: StudyRecord, store: TrackingStore | None, out: str, judge: Judge | None, predictions: str
) -> Comparison:
    """store: where the report is recorded as well; None for nowhere."""
    parent = record.parent
    key = parent.tags["study"]
    folder = Path(out) if out else project_path(f"reports/{key}")
    check_folder(folder, "report.html", SUFFIXES)
    study, rows, runs = _judged(record, judge, predictions)
    path = page.write_report(folder, study)
    write_exports(folder, study, rows, runs, planned="planned" in parent.tags)
    verdicts = wording.verdicts(study.table, study.judged) if study.sentences is None else [*study.sentences]
    notes = [*wording.predictors(study.predictors), *study_notes(study.table, study.info, study.sentences is None)]
    lines = [*_answer(study), "", *verdicts, *notes, "", translate("report: {path}", path=path)]
    if store:
        report = MlflowRun(store.client, parent.id)
        report.artifact(folder, "report")
        _describe(report, study, len(runs))
        lines.append(links(store, key, parent.id, study.judged.larger_is_better, record.planned))
    return Comparison(key, study.table, rows, verdicts, path.absolute(), "\n".join(lines))


def describe(store: TrackingStore, study: str, judge: Judge | None = None) -> str:
    """What a study that has just ended says, as the description of its run in ``store`` too, without a report.

    study: its id. Evaluates its runs that were not yet.

    Raises: UserError if there is nothing to say.
    """
    (parent,) = store.search(study=study, role="study", limit=1)
    judged, _, runs = _judged(study_record(store, parent), judge)
    _describe(MlflowRun(store.client, parent.id), judged, len(runs))
    return "\n".join(_answer(judged))


def _judged(
    record: StudyRecord, judge: Judge | None, predictions: str = ""
) -> tuple[page.Study, pd.DataFrame, list[Run]]:
    """What the study says, a row for each of its trials and of what joins them, and its runs that have figures."""
    parent, runs = record.parent, record.runs
    judged = read_plan(parent)["families"]
    no_figures = evaluate_missing(runs, judged)
    diverged = [*no_figures.values(), *diverged_trials(record.planned, {run.facts["identity"] for run in runs})]
    if diverged and len(runs) == len(no_figures):
        key = parent.tags["study"]
        raise UserError(f"the study {key} has no finished run: {len(diverged)} diverged ({diverged[0].reason})")
    about = _about(record)
    runs = [run for run in runs if run not in no_figures]
    rows = own = trial_table(parent, record.planned, runs, diverged)
    about["tuned"] = tuned_notes(rows)
    known, judged = answers(runs), judged.known(rows.columns)
    official = {str(run.folder) for run in runs if run.facts.get("official_test")}
    for file in [text for text in predictions.split(",") if text]:
        rows, of_file, note = joined(Path(file), runs, rows)
        known, official = {**known, **of_file}, official | {*of_file}
        about |= {"post_hoc": [*about["post_hoc"], note]}
    of_one_test_part = {run: told for run, told in known.items() if run in official}
    of_own_test_parts = {run: told for run, told in known.items() if run not in official}
    info = about | {"official_test": bool(official), "diverged": diverged_cells(rows), "families": judged}
    looks = look_tables(rows, info, of_one_test_part)
    compared = looks[-1]
    info["looked"] = sequential_notes(compared, info)
    predictors = predictor_table(rows)
    claim, verdict, shown = "", headline(compared, judged), list[Section]()
    if judge and (name := parent.tags.get("claim")):
        claim, verdict, shown = judge(name, runs, int(parent.tags.get("runs", 0)), len(diverged))
    finished = rows[~rows["diverged"]]
    design = parent.tags.get("design", "")
    report = None if claim else _whole_report(design, own, finished, compared, info, of_one_test_part)
    if design == "factorial":
        info["remarks"] = [*info["remarks"], *without_effects(own, judged)]
    if report:
        verdict, shown = report.headline, report.sections
    factorial = isinstance(report, FactorialReport)
    moved = [] if factorial else interval_sections(looks, finished, judged, of_one_test_part)
    study = page.Study(
        compared, predictors, finished, curves(runs), info, claim, verdict, [*shown, *tuned_sections(finished)],
        [*moved, *noise_sections(finished, judged, of_own_test_parts)], report.sentences if report else None,
        report.effects if isinstance(report, FactorialReport) else None,
        report.table if isinstance(report, GeneralReport) else None,
    )  # fmt: skip
    return study, rows, runs


def _whole_report(
    design: str,
    own: pd.DataFrame,
    finished: pd.DataFrame,
    compared: pd.DataFrame,
    info: Mapping[str, Any],
    answers: Answers,
) -> FactorialReport | GeneralReport | None:
    """What a study says beyond its cells one by one: a factorial one, or one over several data sets.

    own: its trials, without what joined them. finished: all that have outcomes.
    """
    if design == "factorial":
        joined_cells = wording.verdicts(compared[~compared["cell"].isin(own["cell"])], info["families"])
        name = info["study"].rpartition("-")[0]
        return factorial_report(own, info["families"], info["command"], name, joined_cells)
    if info.get("looks"):  # where cells stop early, their means lean to what stopped them
        return None
    return general_report(finished, compared, info["families"], answers)


def _answer(study: page.Study) -> list[str]:
    return [*([translate("Claim: {claim}", claim=study.claim)] if study.claim else []), study.verdict]


def _describe(record: MlflowRun, study: page.Study, runs: int) -> None:
    """Into the study's run: what a list of studies shows of it, and that its answer is known from now on."""
    table = study.table
    record.metrics({"study/runs": runs, "study/highest_test_accuracy": float(table[PRIMARY.column].max())})
    asked = table if study.effects is None else study.effects
    comparisons = int((asked["pairs"] >= 2).sum()) * len(study.judged.judged)
    cells = table_view.summary(table, study.judged) if study.sentences is None else ""
    note = description_md(table, study.info, study.claim, study.verdict, study.sentences, cells)
    record.tags({"mlflow.note.content": note, "comparisons": str(comparisons), "reported": str(runs)})


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
        "failed": unfinished(planned, done),
        "missing": sorted(each.tags["mlflow.runName"] for name, each in finished.items() if name not in done),
        "left_out": parent.tags.get("left_out", "").splitlines(),
        **(plan := read_plan(parent)),
        "remarks": [*plan["remarks"], *published_splits(runs)],
        "asked before": record.asked_before,
        "command": parent.tags.get("command", ""),
        **origins([each.tags for name, each in finished.items() if name in done]),
        "when": f"{datetime.now():%Y-%m-%d %H:%M}",
    }
