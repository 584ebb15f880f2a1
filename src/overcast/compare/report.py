"""Compare a study: evaluate what was not yet, then one table and one page, logged to the study's run too."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from overcast import claims
from overcast.compare.table import PRIMARY, table
from overcast.compare.trials import correct, curves, trials
from overcast.config import Tracking
from overcast.errors import UserError
from overcast.paths import project_path
from overcast.provenance import machine, provenance
from overcast.report import page, words
from overcast.report.style import Picture
from overcast.runs import Run
from overcast.study.links import links
from overcast.study.lookup import children
from overcast.tracking import Found, MlflowRecord, Store, bury, open_store


def compare(study: str = "", out: str = "") -> str:
    """Write ``out``, or else ``reports/<study>/``, and give the verdicts and links as text.

    study: a study's name or id, or its parent run; "" for the latest. Raises: UserError if there is none.
    """
    store = open_store(asdict(Tracking()))
    assert store is not None
    bury(store)
    parent = find(store, study)
    key = parent.tags["study"]
    runs = children(store, key)
    if not runs:
        raise UserError(f"the study {key} has no finished run yet: let it run, or look into its logs")
    folder = Path(out) if out else project_path(f"reports/{key}")
    page.check_place(folder)
    evaluate_missing(runs)
    rows = trials(runs)
    answers = correct(runs)
    info = {
        "study": key,
        "baseline": "none",
        "folds": min(run.config["split"]["folds"] for run in runs),  # of several data sets: the most careful
        "official_test": bool(answers),
        "failed": unfinished(store, key, {run.facts["identity"] for run in runs}),
        "command": parent.tags.get("command", ""),
        "machine": machine(),
        "when": f"{datetime.now():%Y-%m-%d %H:%M}",
        "overcast version": provenance()["version.overcast"],
    }
    if chosen := parent.tags.get("chosen"):
        info["chosen by validation"] = chosen
    compared = table(rows, info, answers)
    claim, verdict, shown = "", words.headline(compared), list[Picture]()
    if name := parent.tags.get("claim"):
        claim, verdict, shown = claims.judge(name, runs, int(parent.tags.get("runs", 0)))
    path = page.write(folder, compared, rows, curves(runs), info, claim, verdict, shown)
    record = MlflowRecord(store.client, parent.id)
    record.artifact(folder, "report")
    record.metrics({"study/runs": len(runs), "study/highest_test_accuracy": float(compared[PRIMARY.column].max())})
    record.tags({"mlflow.note.content": words.description_md(compared, info, claim, verdict)})
    said = [*([f"Claim: {claim}"] if claim else []), verdict, "", *words.verdicts(compared), "", f"report: {path}"]
    return "\n".join([*said, links(store, key, parent.id)])


def find(store: Store, study: str) -> Found:
    """The parent run of a study, by name, id or run id. Raises: UserError if there is none."""
    parents = store.search(role="study")
    if not parents:
        raise UserError("there is no study yet: run one first, such as python pipelines/train.py +study=mitigations")
    for parent in parents:
        if study in ("", parent.id, parent.tags["study"], parent.tags["study"].rpartition("-")[0]):
            return parent
    known = ", ".join(dict.fromkeys(parent.tags["study"] for parent in parents[:10]))
    raise UserError(f"study={study}: there is no such study. The latest are: {known}")


def evaluate_missing(runs: list[Run]) -> None:
    """Measure the runs without figures on their test part, all in this process."""
    from overcast.evaluation.evaluate import evaluate

    missing = [run for run in runs if not (run.folder / "evaluation" / "metrics.json").is_file()]
    for run in tqdm(missing, desc="evaluating", unit="run", disable=not missing, mininterval=_often()):
        evaluate(run, pictures=False)


def _often() -> float:
    return 0.1 if sys.stderr.isatty() else 30


def unfinished(store: Store, study: str, done: set[str]) -> list[str]:
    """The names of trials that failed or were killed, and were not run again since."""
    found = [run for status in ("FAILED", "KILLED") for run in store.search(status, study=study, role="trial")]
    return sorted({run.tags["mlflow.runName"] for run in found if run.tags["identity"] not in done})
