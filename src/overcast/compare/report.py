"""Compare a study: evaluate what was not yet, then one table and one page, logged to the study's run too."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from overcast import claims
from overcast.compare.table import PRIMARY, table
from overcast.compare.trials import Diverged, correct, curves, diverged_cells, trials
from overcast.config import Tracking
from overcast.errors import DivergedError, UserError
from overcast.provenance import machine, provenance
from overcast.report import page, words
from overcast.report.style import Picture
from overcast.runs import Run
from overcast.study.links import links
from overcast.study.lookup import children
from overcast.tracking import Found, MlflowRecord, Store, bury, open_store
from overcast.train import params


def compare(study: str = "", out: str = "") -> str:
    """Write ``out``, or else ``reports/<study>/``, and give the verdicts and links as text.

    study: a study's name or id, or its parent run; "" for the latest. Raises: UserError if there is none.
    """
    store = open_store(asdict(Tracking()))
    assert store is not None
    bury(store)
    parent = find(store, study)
    key = parent.tags["study"]
    finished = children(store, key)
    done = {run.facts["identity"] for run in finished}
    useless = evaluate_missing(finished)
    diverged = [*useless.values(), *diverged_trials(store, key, done)]
    runs = [run for run in finished if run not in useless]
    if not runs:
        lost = f": {len(diverged)} diverged ({diverged[0].reason})" if diverged else ""
        raise UserError(f"the study {key} has no finished run{lost or ' yet: let it run, or look into its logs'}")
    rows = trials(runs, diverged)
    answers = correct(runs)
    info = {
        "study": key,
        "baseline": "none",
        "folds": min(run.config["split"]["folds"] for run in runs),  # of several data sets: the most careful
        "official_test": bool(answers),
        "failed": unfinished(store, key, done),
        "diverged": diverged_cells(rows),
        "left_out": parent.tags.get("left_out", "").splitlines(),
        "command": parent.tags.get("command", ""),
        "machine": machine(),
        "when": f"{datetime.now():%Y-%m-%d %H:%M}",
        "overcast version": provenance()["version.overcast"],
    }
    if chosen := parent.tags.get("chosen"):
        info["chosen by validation"] = chosen
    compared = table(rows, info, answers)
    folder = Path(out or f"reports/{key}")
    claim, verdict, shown = "", words.headline(compared), list[Picture]()
    if name := parent.tags.get("claim"):
        claim, verdict, shown = claims.judge(name, runs, int(parent.tags.get("runs", 0)), len(diverged))
    path = page.write(folder, compared, rows[~rows["diverged"]], curves(runs), info, claim, verdict, shown)
    record = MlflowRecord(store.client, parent.id)
    record.artifact(folder, "report")
    record.metrics({"study/runs": len(runs), "study/highest_test_accuracy": float(compared[PRIMARY.column].max())})
    record.tags({"mlflow.note.content": words.description_md(compared, info, claim, verdict)})
    told = [*words.verdicts(compared), *words.notes(compared, info)]
    said = [*([f"Claim: {claim}"] if claim else []), verdict, "", *told, "", f"report: {path}"]
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


def evaluate_missing(runs: list[Run]) -> dict[Run, Diverged]:
    """Measure the runs without figures on their test part, all in this process; gives those that cannot be.

    Such ones were recorded as finished before training looked whether a loss is finite.
    """
    from overcast.evaluation.evaluate import evaluate

    missing = [run for run in runs if not (run.folder / "evaluation" / "metrics.json").is_file()]
    useless = {}
    for run in tqdm(missing, desc="evaluating", unit="run", disable=not missing, mininterval=_often()):
        try:
            evaluate(run, pictures=False)
        except DivergedError as error:
            useless[run] = Diverged(params(run.config), str(error))
    return useless


def _often() -> float:
    return 0.1 if sys.stderr.isatty() else 30


def unfinished(store: Store, study: str, done: set[str]) -> list[str]:
    """The names of trials that were killed, or failed but did not diverge, and why; not of those run again since."""
    found = [run for status in ("FAILED", "KILLED") for run in store.search(status, study=study, role="trial")]
    left = [run for run in found if run.tags["identity"] not in done and "diverged" not in run.tags]
    reasons = [run.tags.get("reason", "") for run in left]
    names = [run.tags["mlflow.runName"] for run in left]
    return sorted({f"{name} ({why})" if why else name for name, why in zip(names, reasons, strict=True)})


def diverged_trials(store: Store, study: str, done: set[str]) -> list[Diverged]:
    """The trials that diverged, one of each identity, and were not run again since."""
    found = {run.tags["identity"]: run for run in store.search("FAILED", study=study, role="trial", diverged="true")}
    return [Diverged(run.params, run.tags.get("reason", "")) for identity, run in found.items() if identity not in done]
