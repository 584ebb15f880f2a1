"""A trained run, found by folder, by MLflow run id or as the latest one."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from overcast.config.compose import compose_tracking
from overcast.config.schema import TrackingConfig
from overcast.core.errors import DamagedError, UserError
from overcast.core.paths import project_path
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import Run

REFIT = "refit"
"""The role of a run that was trained on train + validation. It can be measured by nothing, and is never the latest."""


def find_run(text: str, runs_dir: Path | None = None, tracking: Sequence[str] | TrackingConfig = ()) -> Run:
    """A run by folder (from where the user stands, or else in the project), by MLflow run id, or the ``latest`` one.

    tracking: ``conf/tracking``, or overrides of it: where the id is looked up, and where the run then is recorded.

    Raises: UserError if there is no such run.
    """
    settings = tracking if isinstance(tracking, TrackingConfig) else compose_tracking(tracking) if tracking else None
    runs_dir = runs_dir or project_path("runs")
    run = _in_folder(text, runs_dir)
    return Run(run.folder, settings) if run else _download_run(text, runs_dir, settings or compose_tracking())


def find_runs(text: str, runs_dir: Path | None = None, tracking: Sequence[str] = ()) -> list[Run]:
    """The run that `find_run` finds by this text, or several by texts with commas between them. Raises: as it does."""
    one = "," not in text or Path(text).exists()
    return [find_run(each.strip(), runs_dir, tracking) for each in ([text] if one else text.split(","))]


def _in_folder(text: str, runs_dir: Path) -> Run | None:
    """The run of this folder, age or id that is here."""
    if text != "latest" and (Path(text).exists() or "/" in text):
        return load_run(Path(text) if Path(text).exists() else project_path(text))
    whole = sorted(runs_dir.glob("**/run.json"), key=lambda path: path.stat().st_mtime)
    if text == "latest":
        latest = next((path.parent for path in reversed(whole) if not is_refit(Run(path.parent))), None)
        if latest is None:
            raise UserError(f"no run in {runs_dir}/ yet: train one first (`dvc repro`, or python pipelines/train.py)")
        return load_run(latest)
    return next((load_run(path.parent) for path in whole if _id(Run(path.parent)) == text), None)


def is_refit(run: Run) -> bool:
    """Whether its validation part was trained on, too."""
    with suppress(DamagedError):  # which is for whoever opens it to say
        return bool(run.record.get("settings", {}).get("role") == REFIT)
    return False


def _id(run: Run) -> str:
    """Its MLflow id; "" where that is unknown, as of one that is damaged."""
    with suppress(DamagedError):
        return str(run.facts["id"])
    return ""


def _download_run(run_id: str, runs_dir: Path, tracking: TrackingConfig) -> Run:
    """A run whose folder is not here, from the artifacts of its MLflow run."""
    from overcast.tracking.store import open_store

    store = open_store(tracking)
    if store is None or not store.find(run_id):
        raise UserError(
            f"run={run_id}: no such folder, and no run of that id in {runs_dir}/ or in MLflow. "
            "Give a run's folder, an MLflow run id, or 'latest'"
        )
    folder = store.download(run_id, "run", Path(tempfile.mkdtemp(prefix="overcast-")))
    return Run(load_run(folder).folder, tracking)
