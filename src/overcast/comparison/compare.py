"""Compare a study: evaluate what was not yet, then one table and one page, logged to the study's run too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from overcast.comparison import page, table_view, wording
from overcast.comparison.archive import read_archive
from overcast.comparison.description import description_md
from overcast.comparison.export import SUFFIXES, write_exports
from overcast.comparison.factorial import FactorialReport, factorial_report
from overcast.comparison.general import GeneralReport, general_report
from overcast.comparison.headline import headline
from overcast.comparison.intervals import interval_sections
from overcast.comparison.measured_study import MeasuredStudy, measure_study
from overcast.comparison.noise import noise_sections
from overcast.comparison.notes import study_notes
from overcast.comparison.predictor_table import predictor_table
from overcast.comparison.study_record import check_study_format, recorded_study, study_record
from overcast.comparison.trials import curves
from overcast.comparison.tuned import tuned_sections
from overcast.core.atomic import whole_folder
from overcast.core.errors import UnreachableError, UserError
from overcast.core.paths import project_path
from overcast.core.words import translate, use_language
from overcast.html.page import Section
from overcast.html.writer import check_report_folder
from overcast.study.lookup import UNDESCRIBED, StudyRecord
from overcast.study.outcomes import PRIMARY
from overcast.tracking.run import MAX_TAG, MlflowRun
from overcast.tracking.run_folder import Run
from overcast.tracking.store import RunInfo, TrackingStore, places
from overcast.tracking.ui_views import links
from overcast.tracking.unrecorded import unsent_line

Judge = Callable[[str, Sequence[Run], int, int], tuple[str, str, list[Section]]]
"""Of a claim's name, a study's runs, how many are planned and how many diverged: the claim's sentence, the verdict on
it and the figures of it."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """study: its id. table: a row a cell, as `overcast.comparison.table.comparison_table` says. trials: a row a trial.

    verdicts: a sentence for each comparison. report: the page. text: all that ``pipelines/compare.py`` prints.
    refused: what of it MLflow has not taken, and why.
    """

    study: str
    table: pd.DataFrame
    trials: pd.DataFrame
    verdicts: list[str]
    report: Path
    text: str
    refused: Sequence[str] = ()


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
    check_report_folder(folder, "report.html", SUFFIXES)
    measured = measure_study(record, [Path(file) for file in predictions.split(",") if file])
    findings = _findings(measured, judge)
    study = _study_of_page(measured, findings)
    with whole_folder(folder) as part:
        path = folder / page.write_report(part, study).name
        write_exports(part, study, measured.trials, measured.runs, planned="planned" in parent.tags)
    verdicts = wording.cell_sentences(study.table, study.judged) if study.sentences is None else [*study.sentences]
    notes = [*wording.predictors(study.predictors), *study_notes(study.table, study.info, study.sentences is None)]
    lines = [*findings.opening, "", *verdicts, *notes, "", translate("report: {path}", path=path)]
    refused: Sequence[str] = ()
    if store:
        report = store.recorder(parent.id, parent.tags)
        report.artifact(folder, "report")
        _describe(report, measured, findings)
        lines.append(_record_text(store, report, parent, study.judged.larger_is_better, record.planned))
        refused = report.refused
    return Comparison(key, study.table, measured.trials, verdicts, path.absolute(), "\n".join(lines), refused)


def describe_study(store: TrackingStore, study: str, judge: Judge | None = None) -> str:
    """What a study that has just ended says, as the description of its run in ``store`` too, without a report.

    study: its id. Evaluates its runs that were not yet.

    Raises: UserError if there is nothing to say.
    """
    (parent,) = store.search(study=study, role="study", limit=1)
    measured = measure_study(study_record(store, parent))
    findings = _findings(measured, judge)
    _describe(store.recorder(parent.id, parent.tags), measured, findings)
    return "\n".join(findings.opening)


@dataclass(frozen=True, eq=False)
class Findings:
    """What a study says first, and the figures of it.

    claim: the sentence that it tests, on which ``verdict`` then is. report: what it says beyond its cells one by one,
    of a factorial study or one over several data sets.
    """

    verdict: str
    sections: list[Section]
    claim: str = ""
    report: FactorialReport | GeneralReport | None = None

    @property
    def effects(self) -> pd.DataFrame | None:
        """Of a factorial study, a row a mitigation."""
        return self.report.effects if isinstance(self.report, FactorialReport) else None

    @property
    def sentences(self) -> list[str] | None:
        """What is said instead of the cells one by one."""
        return self.report.sentences if self.report else None

    @property
    def opening(self) -> list[str]:
        """Claim and verdict, as lines."""
        return [*([translate("Claim: {claim}", claim=self.claim)] if self.claim else []), self.verdict]


def _findings(study: MeasuredStudy, judge: Judge | None) -> Findings:
    tags = study.record.parent.tags
    if judge and (name := tags.get("claim")):
        claim, verdict, sections = judge(name, study.runs, int(tags.get("runs", 0)), study.diverged)
        return Findings(verdict, sections, claim)
    if report := _whole_report(study):
        return Findings(report.headline, report.sections, report=report)
    return Findings(headline(study.table, study.judged), [])


def _whole_report(study: MeasuredStudy) -> FactorialReport | GeneralReport | None:
    """What a study says beyond its cells one by one: a factorial one, or one over several data sets."""
    if study.record.parent.tags.get("design") == "factorial":
        name = study.info["study"].rpartition("-")[0]
        elsewhere = wording.cell_sentences(study.table[study.table["cell"].isin(study.joined)], study.judged)
        return factorial_report(
            study.own_trials, study.parts, study.fixed_answers, study.judged, study.info["command"], name, elsewhere
        )
    if study.info.get("looks"):  # where cells stop early, their means lean to what stopped them
        return None
    return general_report(study.trials, study.table, study.judged, study.fixed_answers)


def _study_of_page(study: MeasuredStudy, findings: Findings) -> page.Study:
    """All that the report shows."""
    finished, effects = study.finished, findings.effects
    general = findings.report.table if isinstance(findings.report, GeneralReport) else None
    last = noise_sections(study.trials, study.judged, study.own_answers, study.fixed_answers)
    if effects is None:
        last = [*interval_sections(study.looks, study.trials, study.judged, study.fixed_answers), *last]
    predictors = predictor_table(study.trials, study.fixed_answers)
    return page.Study(
        study.table, predictors, finished, curves(study.runs), study.info, findings.claim,
        findings.verdict, [*findings.sections, *tuned_sections(finished)], last, findings.sentences, effects, general,
    )  # fmt: skip


def _describe(record: MlflowRun, study: MeasuredStudy, findings: Findings) -> None:
    """Into the study's run: what a list of studies shows of it, and that its answer is known from now on."""
    table, runs = study.table, len(study.runs)
    record.metrics({"study/runs": runs, "study/highest_test_accuracy": float(table[PRIMARY.column].max())})
    asked = table if findings.effects is None else findings.effects
    comparisons = int((asked["pairs"] >= 2).sum()) * len(study.judged.judged)
    cells = table_view.summary(table, study.judged) if findings.sentences is None else ""
    note = description_md(table, study.info, findings.claim, findings.verdict, findings.sentences, cells)
    if len(note) > MAX_TAG:  # whole lines of it: the last ones are of the table
        note = note[: MAX_TAG + 1].rpartition("\n")[0]
    record.tags({"mlflow.note.content": note, "comparisons": str(comparisons), "reported": str(runs)})
    for place in places(study.record.parent.tags):
        (place / UNDESCRIBED).unlink(missing_ok=True)


def _record_text(
    store: TrackingStore, report: MlflowRun, parent: RunInfo, outcomes: Mapping[str, bool], trials: list[RunInfo]
) -> str:
    """Where the study is in MLflow, or that the report is to be sent there later."""
    with suppress(UnreachableError):
        text = links(store, parent.tags["study"], parent.id, outcomes, trials)
        if not (report.outbox and report.outbox.waits):
            return text
    return unsent_line([Path(report.outbox.folder)] if report.outbox else [])
