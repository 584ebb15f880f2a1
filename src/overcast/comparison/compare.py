"""Compare a study: evaluate what was not yet, then one table and one page, logged to the study's run too."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from tqdm import tqdm

from overcast.comparison import page, wording
from overcast.comparison.export import SUFFIXES, write_exports
from overcast.comparison.table import comparison_table, predictor_table
from overcast.comparison.trials import Diverged, answers, curves, diverged_cells, trials
from overcast.config.compose import compose_tracking
from overcast.core.errors import DivergedError, UserError
from overcast.core.formats import check_format
from overcast.core.paths import project_path
from overcast.html.page import Section
from overcast.html.writer import check_folder
from overcast.study.lookup import planned_trials, whole_runs
from overcast.study.outcomes import PRIMARY, families
from overcast.tracking.metadata import origins, run_params
from overcast.tracking.run import MlflowRun
from overcast.tracking.run_folder import Run
from overcast.tracking.store import RunInfo, TrackingStore, mark_orphaned_runs, open_store
from overcast.tracking.study_info import FORMAT
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


def compare(study: str = "", out: str = "", tracking: Sequence[str] = (), judge: Judge | None = None) -> Comparison:
    """Evaluate a study's runs that were not yet, and write ``out``, or else ``reports/<study>/``.

    study: a study's name or id, or its parent run; "" for the one that ran last. tracking: overrides of
    ``conf/tracking``, which says where studies are recorded. judge: what judges the claim of a study that has one.

    Raises: UserError if there is no such study, or another version of overcast recorded it.
    """
    store = open_store(compose_tracking(tracking))
    if store is None:
        raise UserError("tracking=off: a study is found by its records in MLflow. Leave it out, or name another")
    mark_orphaned_runs(store)
    parent = find_study(store, study)
    stored = {"format": int(parent.tags.get("format", 0))}
    check_format(f"The study {parent.tags['study']}", stored, FORMAT, "run its command again")
    with TemporaryDirectory(prefix="overcast-") as fetched:
        return _compared(store, parent, Path(fetched), out, judge)


def _compared(store: TrackingStore, parent: RunInfo, fetched: Path, out: str, judge: Judge | None) -> Comparison:
    key = parent.tags["study"]
    planned = planned_trials(store, key)
    runs = whole_runs(store, planned, fetched)
    folder = Path(out) if out else project_path(f"reports/{key}")
    check_folder(folder, "report.html", SUFFIXES)
    no_figures = evaluate_missing(runs)
    diverged = [*no_figures.values(), *diverged_trials(planned, {run.facts["identity"] for run in runs})]
    if diverged and len(runs) == len(no_figures):
        raise UserError(f"the study {key} has no finished run: {len(diverged)} diverged ({diverged[0].reason})")
    about = _about(store, parent, planned, runs)
    runs = [run for run in runs if run not in no_figures]
    rows, known = trials(runs, diverged), answers(runs)
    info = about | {"official_test": bool(known), "diverged": diverged_cells(rows)}
    compared, judged = comparison_table(rows, info, known), info["families"]
    predictors = predictor_table(rows)
    claim, verdict, shown = "", wording.headline(compared, judged), list[Section]()
    if judge and (name := parent.tags.get("claim")):
        claim, verdict, shown = judge(name, runs, int(parent.tags.get("runs", 0)), len(diverged))
    finished = rows[~rows["diverged"]]
    written = page.Study(compared, predictors, finished, curves(runs), info, claim, verdict, shown)
    write_exports(folder, written, rows, runs, planned="planned" in parent.tags)
    path = page.write_report(folder, written)
    record = MlflowRun(store.client, parent.id)
    record.artifact(folder, "report")
    record.metrics({"study/runs": len(runs), "study/highest_test_accuracy": float(compared[PRIMARY.column].max())})
    comparisons = int((compared["pairs"] >= 2).sum()) * len(info["families"].judged)
    note = wording.description_md(compared, info, claim, verdict)
    record.tags({"mlflow.note.content": note, "comparisons": str(comparisons), "reported": str(len(runs))})
    verdicts = wording.verdicts(compared, judged)
    notes = [*wording.predictors(predictors), *wording.notes(compared, info)]
    lines = [*([f"Claim: {claim}"] if claim else []), verdict, "", *verdicts, *notes, ""]
    text = "\n".join([*lines, f"report: {path}", links(store, key, parent.id, planned)])
    return Comparison(key, compared, rows, verdicts, path.absolute(), text)


def _about(store: TrackingStore, parent: RunInfo, planned: list[RunInfo], runs: list[Run]) -> dict[str, Any]:
    """What the report says of the study beside its figures: what is not in it, and what trained the rest.

    Raises: UserError if there is no run to report on.
    """
    key, done = parent.tags["study"], {run.facts["identity"] for run in runs}
    finished = {each.tags["identity"]: each for each in reversed(planned) if each.status == "FINISHED"}
    if finished and not runs:
        folder = next(iter(finished.values())).tags["folder"]
        raise UserError(
            f"the study {key} has {len(finished)} finished runs, but they are not found: neither folders such as "
            f"{folder} nor MLflow's artifacts. Bring these back, or run the study again"
        )
    if not runs:
        raise UserError(f"the study {key} has no finished run yet: let it run, or look into its logs")
    about = {
        "study": key,
        "folds": ", ".join(dict.fromkeys(str(run.config.split.folds) for run in runs)),
        "failed": unfinished(planned, done),
        "missing": sorted(each.tags["mlflow.runName"] for name, each in finished.items() if name not in done),
        "left_out": parent.tags.get("left_out", "").splitlines(),
        **_plan(parent),
        "asked before": _asked_before(store, parent),
        "command": parent.tags.get("command", ""),
        **origins([each.tags for name, each in finished.items() if name in done]),
        "when": f"{datetime.now():%Y-%m-%d %H:%M}",
    }
    return about | ({"chosen by validation": parent.tags["chosen"]} if "chosen" in parent.tags else {})


def _plan(parent: RunInfo) -> dict[str, Any]:
    """The families of outcomes that the study judges, and a note if they were others before its first trial."""
    judged, planned = (json.loads(parent.tags.get(name, "{}")) for name in ("judged", "planned"))
    chosen = families(**judged)
    notes = []
    if extended := parent.tags.get("extended"):
        notes.append(
            f"Exploratory: this study was extended after a report on {extended} of its runs. Its error rates hold for "
            "what was planned before looking."
        )
    if judged == planned:
        return {"families": chosen, "post_hoc": notes}
    before = families(**planned)
    notes.append(
        "Post hoc: outcomes or margins were changed after the first trial. Planned were "
        f"{wording.judged_names(before)}, with margins of {wording.margins(before)}."
    )
    return {"families": chosen, "post_hoc": notes}


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


def evaluate_missing(runs: list[Run]) -> dict[Run, Diverged]:
    """Measure the runs without figures on their test part, all in this process; gives those that cannot be.

    Such ones were recorded as finished before training looked whether a loss is finite.
    """
    missing = [run for run in runs if not (run.folder / "evaluation" / "metrics.json").is_file()]
    if not missing:  # what follows imports torch
        return {}
    from overcast.evaluation.evaluate import evaluate

    diverged = {}
    for run in tqdm(missing, desc="evaluating", unit="run", mininterval=_often()):
        try:
            evaluate(run, pictures=False)
        except DivergedError as error:
            diverged[run] = Diverged(run_params(run.config), str(error))
    return diverged


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
