"""Compare a study: evaluate what was not yet, then one table and one page, logged to the study's run too."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from tqdm import tqdm

from overcast.comparison import page, wording
from overcast.comparison.archive import read_archive, write_archive
from overcast.comparison.export import SUFFIXES, write_exports
from overcast.comparison.factorial import factorial_report
from overcast.comparison.noise import noise_sections
from overcast.comparison.planning import pilots, plan_sentences
from overcast.comparison.predictions import joined
from overcast.comparison.sequential import sequential_notes, sequential_table, stopped_cells, whole_or_sequential
from overcast.comparison.table import predictor_table
from overcast.comparison.trials import Diverged, answers, curves, diverged_cells, trials
from overcast.config.compose import compose_tracking
from overcast.core.cores import cores
from overcast.core.errors import DivergedError, UserError
from overcast.core.formats import check_format
from overcast.core.paths import project_path
from overcast.html.page import Section
from overcast.html.writer import check_folder
from overcast.study.lookup import StudyRecord, planned_trials, whole_runs
from overcast.study.outcomes import PRIMARY, SHIFT, Families, families
from overcast.tracking.metadata import origins, run_params
from overcast.tracking.run import MlflowRun
from overcast.tracking.run_folder import Run
from overcast.tracking.store import RunInfo, TrackingStore, mark_orphaned_runs, open_store
from overcast.tracking.study_info import FORMAT
from overcast.tracking.ui_views import links

DESIGN = ("design", "looks")
"""The tags of a study's design, each also as it was planned before the first trial."""

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
) -> Comparison:
    """Evaluate a study's runs that were not yet, and write ``out``, or else ``reports/<study>/``.

    study: a study's name or id, or its parent run; "" for the one that ran last. tracking: overrides of
    ``conf/tracking``, which says where studies are recorded. judge: what judges the claim of a study that has one.
    archive: a file of `archive_study`, whose study it is then, with nothing recorded. predictions: csv files of models
    trained elsewhere, which join the comparison (`overcast.comparison.predictions`).

    Raises: UserError if there is no such study, or another version of overcast recorded it.
    """
    with TemporaryDirectory(prefix="overcast-") as folder:
        if not archive:
            store, record = _recorded(study, tracking, Path(folder))
            return _compared(record, store, out, judge, predictions)
        if study or tracking:
            raise UserError("archive=… holds its study: leave study=… and tracking=… out")
        record = read_archive(Path(archive), Path(folder))
        _check_format(record.parent)
        return _compared(record, None, out, judge, predictions)


def archive_study(study: str = "", out: str = "", tracking: Sequence[str] = ()) -> Path:
    """Write a study into one file, ``out`` or else ``reports/<study>.zip``, evaluating its runs that were not yet.

    study, tracking: as `compare` has them.

    Raises: UserError as `compare` does, or if something else is where the file shall be.
    """
    with TemporaryDirectory(prefix="overcast-") as fetched:
        _, record = _recorded(study, tracking, Path(fetched))
        _check_runs(record)
        path = Path(out) if out else project_path(f"reports/{record.parent.tags['study']}.zip")
        write_archive(path, record, evaluate_missing(record.runs, _plan(record.parent)["families"]))
    return path


def plan_study(
    study: str = "", differences: Mapping[str, str] | None = None, hours: str = "", jobs: str = "",
    tracking: Sequence[str] = (),
) -> str:  # fmt: skip
    """What a study as a pilot tells of the next one, in sentences.

    differences: to find, by outcome; without any the margin of each judged outcome. hours: what a time buys. jobs: how
    many runs are at once, as many as there are cores without it.

    Raises: UserError as `compare` does, or if a number is none.
    """
    wanted = {name: _above_zero(name, text) for name, text in (differences or {}).items()}
    time, at_once = (_above_zero(name, text) if text else None for name, text in (("hours", hours), ("jobs", jobs)))
    with TemporaryDirectory(prefix="overcast-") as fetched:
        _, record = _recorded(study, tracking, Path(fetched))
        _check_runs(record)
        judged = _plan(record.parent)["families"]
        gone = evaluate_missing(record.runs, judged)
        rows = trials([run for run in record.runs if run not in gone])
    lines = []
    for pilot in pilots(rows, judged):
        name = pilot.outcome.column.removeprefix("test/").replace("/", "_")
        if not wanted or name in wanted:
            difference = wanted.get(name, pilot.outcome.margin)
            lines += plan_sentences(pilot, difference, time, round(at_once or cores()))
    if not lines:
        raise UserError(f"the study {record.parent.tags['study']} compares nothing over several folds: it is no pilot")
    return "\n".join(lines)


def _above_zero(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (value > 0 and math.isfinite(value)):
        raise UserError(f"{name}={text}: give a number above zero")
    return value


def _recorded(study: str, tracking: Sequence[str], fetched: Path) -> tuple[TrackingStore, StudyRecord]:
    """A study as a tracking store has it. fetched: a folder for what lies in MLflow's artifacts alone."""
    store = open_store(compose_tracking(tracking))
    if store is None:
        raise UserError("tracking=off: a study is found by its records in MLflow. Leave it out, or name another")
    mark_orphaned_runs(store)
    parent = find_study(store, study)
    _check_format(parent)
    planned = planned_trials(store, parent.tags["study"])
    return store, StudyRecord(parent, planned, whole_runs(store, planned, fetched), _asked_before(store, parent))


def _check_format(parent: RunInfo) -> None:
    stored = {"format": int(parent.tags.get("format", 0))}
    check_format(f"The study {parent.tags['study']}", stored, FORMAT, "run its command again")


def _compared(
    record: StudyRecord, store: TrackingStore | None, out: str, judge: Judge | None, predictions: str
) -> Comparison:
    """store: where the report is recorded as well; None for nowhere."""
    parent, planned, runs = record.parent, record.planned, record.runs
    key = parent.tags["study"]
    folder = Path(out) if out else project_path(f"reports/{key}")
    check_folder(folder, "report.html", SUFFIXES)
    judged = _plan(parent)["families"]
    no_figures = evaluate_missing(runs, judged)
    diverged = [*no_figures.values(), *diverged_trials(planned, {run.facts["identity"] for run in runs})]
    if diverged and len(runs) == len(no_figures):
        raise UserError(f"the study {key} has no finished run: {len(diverged)} diverged ({diverged[0].reason})")
    about = _about(record)
    runs = [run for run in runs if run not in no_figures]
    rows = trials(runs, diverged).assign(design=parent.tags.get("design", ""))
    known, judged = answers(runs), judged.known(rows.columns)
    for file in [text for text in predictions.split(",") if text]:
        rows, of_file, note = joined(Path(file), runs, rows)
        known, about = {**known, **of_file}, about | {"post_hoc": [*about["post_hoc"], note]}
    official = any(run.facts.get("official_test") for run in runs)
    info = about | {"official_test": official, "diverged": diverged_cells(rows), "families": judged}
    compared = whole_or_sequential(rows, info, known if official else {})
    info["post_hoc"] = [*info["post_hoc"], *sequential_notes(compared, info)]
    predictors = predictor_table(rows)
    claim, verdict, shown = "", wording.headline(compared, judged), list[Section]()
    if judge and (name := parent.tags.get("claim")):
        claim, verdict, shown = judge(name, runs, int(parent.tags.get("runs", 0)), len(diverged))
    finished = rows[~rows["diverged"]]
    factorial = factorial_report(finished, about["command"]) if parent.tags.get("design") == "factorial" else None
    if factorial:
        verdict, shown = factorial.headline, factorial.sections
    written = page.Study(
        compared, predictors, finished, curves(runs), info, claim, verdict, shown,
        noise_sections(finished, judged, known, official), factorial.sentences if factorial else None,
    )  # fmt: skip
    path = page.write_report(folder, written)
    write_exports(folder, written, rows, runs, planned="planned" in parent.tags)
    verdicts = factorial.sentences if factorial else wording.verdicts(compared, judged)
    notes = [*wording.predictors(predictors), *wording.notes(compared, info)]
    lines = [*([f"Claim: {claim}"] if claim else []), verdict, "", *verdicts, *notes, "", f"report: {path}"]
    if store:
        _log(MlflowRun(store.client, parent.id), folder, written, len(runs))
        lines.append(links(store, key, parent.id, planned))
    return Comparison(key, compared, rows, verdicts, path.absolute(), "\n".join(lines))


def _log(record: MlflowRun, folder: Path, study: page.Study, runs: int) -> None:
    """Into the study's run: its report, and what a list of studies shows of it."""
    table = study.table
    record.artifact(folder, "report")
    record.metrics({"study/runs": runs, "study/highest_test_accuracy": float(table[PRIMARY.column].max())})
    comparisons = int((table["pairs"] >= 2).sum()) * len(study.judged.judged)
    note = wording.description_md(table, study.info, study.claim, study.verdict, study.sentences)
    record.tags({"mlflow.note.content": note, "comparisons": str(comparisons), "reported": str(runs)})


def _about(record: StudyRecord) -> dict[str, Any]:
    """What the report says of the study beside its figures: what is not in it, and what trained the rest.

    Raises: UserError if there is no run to report on.
    """
    parent, planned, runs = record.parent, record.planned, record.runs
    key, done = parent.tags["study"], {run.facts["identity"] for run in runs}
    finished = _finished(record)
    _check_runs(record)
    about = {
        "study": key,
        "folds": ", ".join(dict.fromkeys(str(run.config.folds) for run in runs)),
        "failed": unfinished(planned, done),
        "missing": sorted(each.tags["mlflow.runName"] for name, each in finished.items() if name not in done),
        "left_out": parent.tags.get("left_out", "").splitlines(),
        **_plan(parent),
        "asked before": record.asked_before,
        "command": parent.tags.get("command", ""),
        **origins([each.tags for name, each in finished.items() if name in done]),
        "when": f"{datetime.now():%Y-%m-%d %H:%M}",
    }
    return about | ({"chosen by validation": parent.tags["chosen"]} if "chosen" in parent.tags else {})


def look_at(store: TrackingStore, study: str, folds: int) -> set[str]:
    """The identities of the cells that stop at a look after so many folds of a sequential study. study: its id."""
    (parent,) = store.search(study=study, role="study", limit=1)
    records = planned_trials(store, study)
    runs = whole_runs(store, records)
    no_figures = evaluate_missing(runs, _plan(parent)["families"])
    diverged = [*no_figures.values(), *diverged_trials(records, {run.facts["identity"] for run in runs})]
    finished = [run for run in runs if run not in no_figures]
    if not finished:
        return set()
    rows = trials(finished, diverged)
    rows = rows[rows["fold"] < folds]  # one that is resumed may have trials of the next block already
    known = answers([run for run in finished if run.facts.get("official_test")])
    return stopped_cells(sequential_table(rows, _plan(parent), known), rows)


def _finished(record: StudyRecord) -> dict[str, RunInfo]:
    """The planned trials that ended well, by their identity."""
    return {each.tags["identity"]: each for each in reversed(record.planned) if each.status == "FINISHED"}


def _check_runs(record: StudyRecord) -> None:
    """Raises: UserError if there is no run to report on."""
    key, finished = record.parent.tags["study"], _finished(record)
    if finished and not record.runs:
        folder = next(iter(finished.values())).tags["folder"]
        raise UserError(
            f"the study {key} has {len(finished)} finished runs, but they are not found: neither folders such as "
            f"{folder} nor MLflow's artifacts. Bring these back, or run the study again"
        )
    if not record.runs:
        raise UserError(f"the study {key} has no finished run yet: let it run, or look into its logs")


def _plan(parent: RunInfo) -> dict[str, Any]:
    """The families of outcomes that the study judges, its looks, and notes on what changed after the first trial."""
    judged, planned = (json.loads(parent.tags.get(name, "{}")) for name in ("judged", "planned"))
    plan: dict[str, Any] = {"families": families(**judged), "post_hoc": (notes := list[str]())}
    if looks := parent.tags.get("looks"):
        plan["looks"] = [int(folds) for folds in looks.split()]
    if extended := parent.tags.get("extended"):
        notes.append(
            f"Exploratory: this study was extended after a report on {extended} of its runs. Its error rates hold for "
            "what was planned before looking."
        )
    if any(
        parent.tags.get(f"planned_{name}", parent.tags.get(name, "")) != parent.tags.get(name, "") for name in DESIGN
    ):
        design, looks = (parent.tags.get(f"planned_{name}", "") for name in DESIGN)
        when = f"looks after {', '.join(looks.split())} folds" if looks else "one look at the end"
        notes.append(f"Post hoc: the design was changed after the first trial. Planned was {design}, with {when}.")
    if judged != planned:
        before = families(**planned)
        notes.append(
            "Post hoc: outcomes or margins were changed after the first trial. Planned were "
            f"{wording.judged_names(before)}, with margins of {wording.margins(before)}."
        )
    return plan


def _asked_before(store: TrackingStore, parent: RunInfo) -> str:
    """How many studies and comparisons the same data sets have been asked already, as far as they were reported."""
    ours = set(parent.tags.get("data", "").split(",")) - {""}
    others = [run for run in store.search(role="study") if run.id != parent.id and run.created < parent.created]
    same = [run for run in others if ours & set(run.tags.get("data", "").split(","))]
    if not same:
        return ""
    comparisons = sum(int(run.tags.get("comparisons", 0)) for run in same)
    studies = f"{len(same)} {'study' if len(same) == 1 else 'studies'}"
    return f"{studies} of {', '.join(sorted(ours))} with {comparisons} comparisons"


def find_study(store: TrackingStore, study: str) -> RunInfo:
    """The parent run of a study, by name, id or run id: of several, the one that ran last.

    Raises: UserError if there is none.
    """
    parents = sorted(store.search(role="study"), key=lambda run: run.tags.get("opened", run.created), reverse=True)
    if not parents:
        name = store.client.get_experiment(store.experiment).name
        raise UserError(
            f"there is no study yet in the experiment {name} of {store.uri}: run one first, such as "
            "python pipelines/train.py +study=mitigations, or say where it was recorded (tracking.experiment=…)"
        )
    for parent in parents:
        if study in ("", parent.id, parent.tags["study"], parent.tags["study"].rpartition("-")[0]):
            return parent
    known = ", ".join(dict.fromkeys(parent.tags["study"] for parent in parents[:10]))
    raise UserError(f"study={study}: there is no such study. The latest are: {known}")


def evaluate_missing(runs: Sequence[Run], judged: Families | None = None) -> dict[Run, Diverged]:
    """Measure the runs without the figures that are judged on their test part, all in this process; gives those that
    cannot be.

    Such ones were recorded as finished before training looked whether a loss is finite.
    """
    judged = judged or families()
    missing = [run for run in runs if not _measured(run, judged)]
    if not missing:  # what follows imports torch
        return {}
    from overcast.evaluation.evaluate import evaluate

    diverged, columns = {}, {outcome.column for outcome in judged.judged}
    for run in tqdm(missing, desc="evaluating", unit="run", mininterval=_often()):
        try:
            # an evaluation that lacks but a figure keeps its plots
            evaluate(run, pictures=(run.folder / "evaluation" / "plots").is_dir(), shift=SHIFT.column in columns)
        except DivergedError as error:
            diverged[run] = Diverged(run_params(run.config), str(error))
    return diverged


def _measured(run: Run, judged: Families) -> bool:
    """Whether it has been evaluated, and has every outcome that is judged."""
    parts = ((part, name) for part, _, name in (outcome.column.partition("/") for outcome in judged.judged))
    return bool(run.metrics) and all(name in run.metrics[part] for part, name in parts)


def _often() -> float:
    return 0.1 if sys.stderr.isatty() else 30


def unfinished(trials: Sequence[RunInfo], done: set[str]) -> list[str]:
    """The names of trials that were killed, or failed but did not diverge, and why; not of those run again since."""
    found = [run for run in trials if run.status in ("FAILED", "KILLED")]
    left = [run for run in found if run.tags["identity"] not in done and "diverged" not in run.tags]
    reasons = [run.tags.get("reason", "") for run in left]
    names = [run.tags["mlflow.runName"] for run in left]
    return sorted({f"{name} ({why})" if why else name for name, why in zip(names, reasons, strict=True)})


def diverged_trials(trials: Sequence[RunInfo], done: set[str]) -> list[Diverged]:
    """The trials that diverged, one of each identity, and were not run again since."""
    gone = [run for run in trials if run.status == "FAILED" and run.tags.get("diverged") == "true"]
    found = {run.tags["identity"]: run for run in gone}
    return [Diverged(run.params, run.tags.get("reason", "")) for identity, run in found.items() if identity not in done]
