"""What a training tells its record: opened, or found again, what goes in, and what came of it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

from overcast.config.run_config import RunConfig
from overcast.core.console import warn
from overcast.core.errors import UnreachableError
from overcast.tracking.late_record import kept_recorder, late_run
from overcast.tracking.metadata import recorded_params
from overcast.tracking.outbox import IDEMPOTENCY_KEY
from overcast.tracking.run import RunRecorder
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore, relative
from overcast.tracking.study_info import StudyInfo

SEARCH = "search trial"
"""The role of a trial of `overcast.tuning`."""


def open_record(
    store: TrackingStore | None, config: RunConfig, run: Run, name: str, tags: dict[str, str], study: StudyInfo | None
) -> RunRecorder:
    """A new record, RUNNING. Raises: UnreachableError if the store takes none, and there is no study that goes on."""
    if not config.tracking.enabled or (store is None and study is None):
        return RunRecorder()
    tags = {IDEMPOTENCY_KEY: uuid4().hex, **tags}  # one key: the store may have made the run, and not have answered
    try:
        if store:
            return store.create(name, tags, study.parent if study else "")
    except UnreachableError:
        if not (study and study.parent):
            if not config.run:
                shutil.rmtree(run.folder)
            raise
        warn("MLflow takes no run: the study goes on, and this one is recorded later")
    assert study
    return late_run(config.tracking, run.folder, name, tags, study.parent)


def known_record(store: TrackingStore | None, config: RunConfig, run: Run) -> RunRecorder | None:
    """The record of a run that was interrupted, RUNNING again; None if there is none any more, or never was."""
    known = run.record.get("id", "")
    if not store:
        return kept_recorder(run) if config.tracking.enabled else None
    return store.reopen(known, {"folder": relative(run.folder)}) if known and store.find(known) else None


def record_inputs(run: Run, config: RunConfig, facts: dict[str, Any], record: RunRecorder) -> None:
    """Record what goes into a run, once."""
    name = config.data.name
    record.params(recorded_params(config))
    record.dataset(name, facts["fingerprint"], str(Path(config.data_dir) / name), f"{len(run.parts)} samples")


def record_outcome(record: RunRecorder, run: Run) -> None:
    """Log the summary figures and the run's files, as the end of a training or for a restored run."""
    facts = run.facts
    summary = {key: value for key, value in facts.items() if key.startswith("best/")}
    costs = (
        "seconds", "first_weights_seconds", "samples_per_second", "parameters", "multiply_adds", "epochs_run",
    )  # fmt: skip
    summary |= {f"cost/{name}": facts[name] for name in costs}
    record.metrics({name: value for name, value in summary.items() if not math.isnan(value)})
    record.tags({"weights": facts.get("weights", "")})  # by which a copy of this run is known again
    if run.config.role != SEARCH:
        record_files(record, run)


def record_files(record: RunRecorder, run: Run) -> None:
    """Log the run's files. Those of a search's trials are hundreds, of which one counts."""
    for path in sorted(run.folder.iterdir()):
        if path.suffix in (".yaml", ".json", ".csv", ".pt"):
            record.artifact(path, "run")
