"""A study as one file, from which another machine makes the same report: no training, no weights, no data, no MLflow.

study.json         format, the study's tags (its plan, command and claim among them) and its trials, as recorded
environment.json   the packages of the Python that wrote the archive, and its commit; changes.diff: what differs from it
runs/0000/         a finished run as its folder has it, without weights: config, figures, learning curves, predictions

What names people, machines and folders is left out, but for what the study's command and options say. An archive may
come from anyone: it is unpacked within bounds, files of other names are not, and no class that it names is imported
unless it is one of overcast's.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from overcast.comparison.study_plan import read_plan
from overcast.comparison.study_record import check_runs, evaluate_missing, recorded_study
from overcast.comparison.trials import NAMED, Diverged, answers
from overcast.config.metric_options import NEEDED
from overcast.config.schema import TrackingConfig
from overcast.core.atomic import whole_file
from overcast.core.errors import UserError
from overcast.core.formats import check_format
from overcast.core.paths import project_path
from overcast.core.secrets import without_password
from overcast.fetch.archives import member_target, unpack
from overcast.study.lookup import StudyRecord
from overcast.study.outcomes import families
from overcast.tracking.checksums import CHECKSUMS, EVALUATED
from overcast.tracking.finished_run import ArchivedRun, load_run
from overcast.tracking.metadata import changes, environment
from overcast.tracking.run_folder import RECORD, RECORDED, Run
from overcast.tracking.store import RunInfo

FORMAT = 2
"""Of an archive; counts up when an older one can no longer be read."""

MEASURED = tuple(f"evaluation/{name}" for name in (*EVALUATED, CHECKSUMS))
PLAIN = ("spec.json", "parts.csv", "history.csv", "run.json", *MEASURED)
"""What is archived of a run as it is."""

OF_RUN = "|".join(re.escape(name) for name in ("config.yaml", RECORD, *PLAIN))
MEMBERS = re.compile(rf"(study\.json|environment\.json|changes\.diff|runs/\d{{4,6}}/(?:{OF_RUN}))")
PRIVATE = (
    "host",
    "process",
    "heartbeat",
    "ended_because",
    "project",
    "folder",
    "mlflow.user",
    "mlflow.source.name",
    "mlflow.note.content",
    "mlflow.parentRunId",
)
"""Tags that say who recorded a run and where, or what a report makes anew."""


def write_archive(path: Path, record: StudyRecord, diverged: Mapping[Run, Diverged]) -> None:
    """Write a study into one zip file. diverged: runs without figures, and why: they are archived as such trials.

    Raises: UserError if ``path`` is a folder, or a file that is no archive of a study.
    """
    if path.exists() and not is_archive(path):
        raise UserError(f"out={path}: something else is there: name another file")
    reasons = {run.facts["identity"]: each.reason for run, each in diverged.items()}
    trials = [_without_private(_as_diverged(each, reasons)) for each in record.planned]
    study = {"format": FORMAT, "study": asdict(_without_private(record.parent)), "asked_before": record.asked_before}
    study["trials"] = [asdict(each) for each in trials]
    files = {
        "study.json": _json(study),
        "environment.json": _json(environment()),
        "changes.diff": without_password(changes()),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in files.items():
            _add(target, name, text.encode("utf8", "surrogateescape"))
        for number, run in enumerate(run for run in record.runs if run not in diverged):
            for name, data in _run_files(run):
                _add(target, f"runs/{number:04d}/{name}", data)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file(path, content.getvalue())


def is_archive(path: Path) -> bool:
    """Whether this is a zip file with a study in it."""
    try:
        with zipfile.ZipFile(path) as source:
            return "study.json" in source.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _add(target: zipfile.ZipFile, name: str, content: bytes) -> None:
    """With no date of its own: the same study makes the same archive."""
    target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1) + "\n"


def _as_diverged(trial: RunInfo, reasons: Mapping[str, str]) -> RunInfo:
    if trial.status != "FINISHED" or trial.tags["identity"] not in reasons:
        return trial
    told = {"diverged": "true", "reason": reasons[trial.tags["identity"]]}
    return replace(trial, status="FAILED", tags=trial.tags | told)


def _without_private(found: RunInfo) -> RunInfo:
    return replace(found, tags={name: text for name, text in found.tags.items() if name not in PRIVATE}, metrics={})


def _run_files(run: Run) -> Iterator[tuple[str, bytes]]:
    config = yaml.safe_load(run.path("config.yaml").read_text(encoding="utf8"))
    config["split"]["folds"] = run.config.folds  # the data set's own number is asked of its class, which may be nowhere
    yield "config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode()
    recorded = {name: value for name, value in run.record.items() if name in ("weights", *RECORDED)}
    yield RECORD, _json(recorded).encode()
    for name in PLAIN:
        yield name, (run.folder / name).read_bytes()


def read_archive(path: Path, into: Path) -> StudyRecord:
    """The study in an archive, unpacked into the folder ``into``.

    Raises: UserError if there is no such file, or it is damaged, no archive of a study, or of another format.
    """
    if not path.is_file():
        raise UserError(f"archive={path}: there is no such file")
    unpack(path, into, partial(member_target, MEMBERS))
    try:
        study = json.loads((into / "study.json").read_text(encoding="utf8"))
        check_format(f"The archive {path}", study, FORMAT, "export the study again")
        parent = _run_info(study["study"])
        if parent.tags["study"] != Path(parent.tags["study"]).name:
            raise ValueError("a study's name that is none")
        int(parent.tags["format"])
        [int(parent.tags.get(name, 0)) for name in ("runs", "repeats")]
        [families(**json.loads(parent.tags.get(name, "{}"))) for name in ("judged", "planned")]
        planned = [_run_info(each) for each in study["trials"]]
        asked_before = str(study["asked_before"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"archive={path}: this is no archive of a study, or a damaged one ({_short(error)})") from None
    folders = sorted((into / "runs").glob("*"))
    if not folders:
        raise UserError(f"archive={path}: this study has no finished run")
    runs = [_run(path, folder, "claim" in parent.tags) for folder in folders]
    return StudyRecord(parent, planned, runs, asked_before)


def _run_info(values: Mapping[str, Any]) -> RunInfo:
    """A record. Raises: LookupError, TypeError or ValueError if it lacks what a comparison reads."""
    found = RunInfo(**values)
    for texts in (found.tags, found.params):
        if not all(isinstance(text, str) for item in texts.items() for text in item):
            raise ValueError("a tag that is no text")
    if found.tags["role"] == "trial":
        found.tags["identity"], found.tags["mlflow.runName"]
        int(found.tags.get("candidates") or 0)
        if found.tags.get("diverged") == "true":
            [found.params[name] for name in NAMED]
    return found


def _run(path: Path, folder: Path, claim: bool) -> ArchivedRun:
    """The run in this folder. Raises: UserError if anything is missing in it, or is not what it should be."""
    try:
        run = load_run(folder, TrackingConfig(enabled=False), ArchivedRun)
        assert isinstance(run, ArchivedRun)
        config, spec = run.config, run.spec
        targets = [option.target for option in (config.data, config.model, *config.mitigation)]
        foreign = [target for target in targets if not target.startswith("overcast.")]
        if foreign and (claim or config.split.folds is None):
            raise ValueError(f"it names {foreign[0]}, and no class outside of overcast is imported from an archive")
        run.facts["identity"], run.facts["name"], run.facts["seconds"], run.history["epoch"]
        measured = run.metrics
        figures = [measured[part][name] for part in ("test", "gap") for name in NEEDED]
        if not all(map(math.isfinite, [*figures, *measured["baseline"].values()])):
            raise ValueError("a figure that is not finite")
        if not (len(run.parts) and len(spec.classes)):
            raise ValueError("no samples")
        answers([run])
    except (UserError, OSError, ValueError, LookupError, TypeError, AttributeError, csv.Error, yaml.YAMLError) as error:
        place = folder.relative_to(folder.parents[1])
        raise UserError(f"archive={path} is damaged in {place} ({_short(error)}): get it again") from None
    return run


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def archive_study(study: str = "", out: str = "", tracking: Sequence[str] = ()) -> Path:
    """Write a study into one file, ``out`` or else ``reports/<study>.zip``, evaluating its runs that were not yet.

    study, tracking: as `compare` has them.

    Raises: UserError as `compare` does, or if something else is where the file shall be.
    """
    with TemporaryDirectory(prefix="overcast-") as fetched:
        _, record = recorded_study(study, tracking, Path(fetched))
        check_runs(record)
        path = Path(out) if out else project_path(f"reports/{record.parent.tags['study']}.zip")
        write_archive(path, record, evaluate_missing(record.runs, read_plan(record.parent)["families"]))
    return path
