"""Where runs are recorded and found again: in MLflow, which only this room imports.

`open_store` gives a `TrackingStore`, or None with ``tracking=off``; a store makes `MlflowRun`s.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.core.locks import is_locked
from overcast.core.paths import project_home, project_path
from overcast.tracking.relocate import relocate
from overcast.tracking.run import MlflowRun
from overcast.tracking.study_info import FORMAT

# a dead server is said within seconds, not after minutes of retries
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # one a run of a study


@dataclass(frozen=True)
class RunInfo:
    """What a search tells of a run; ``created``: when, in UTC, as text that sorts. status: as MLflow names it."""

    id: str
    status: str
    created: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]


@dataclass
class TrackingStore:
    """An MLflow tracking store and the experiment in it; ``settings``: what it was opened with."""

    client: Any
    uri: str
    experiment: str
    settings: TrackingConfig

    def create(self, name: str, tags: dict[str, str], parent: str = "") -> MlflowRun:
        """A new run, RUNNING, below ``parent`` if given."""
        tags = {"mlflow.user": _user(), **_here(), **tags}
        tags |= {"mlflow.parentRunId": parent} if parent else {}
        run = self.client.create_run(self.experiment, tags=tags, run_name=name)
        return MlflowRun(self.client, run.info.run_id)

    def find(self, run_id: str) -> MlflowRun | None:
        """The run with this id, or None if this store has never seen it."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.get_run(run_id)
        except MlflowException:
            return None
        return MlflowRun(self.client, run_id)

    def study(self, key: str, name: str, tags: dict[str, str]) -> MlflowRun:
        """The parent run of the study ``key``, RUNNING: the one there is, or a new one; tagged as opened now."""
        tags = {"opened": _text(datetime.now(UTC)), "format": str(FORMAT), **tags}
        for run in self.search(study=key, role="study", limit=1):
            record = MlflowRun(self.client, run.id)
            self.client.update_run(run.id, status="RUNNING")
            record.tags(_here() | tags)
            return record
        return self.create(name, {"role": "study", "study": key, **tags})

    def search(self, status: str = "", limit: int = 50_000, **equal: str) -> list[RunInfo]:
        """Runs with these tags (or ``params.<name>``), newest first."""
        terms = [f"{key if '.' in key else 'tags.' + key} = '{value}'" for key, value in equal.items()]
        terms += [f"attributes.status = '{status}'"] if status else []
        runs: list[RunInfo] = []
        token = None
        while len(runs) < limit:
            page = self.client.search_runs(
                [self.experiment],
                " and ".join(terms),
                max_results=min(limit - len(runs), 1000),
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            runs += [_run_info(run) for run in page]
            token = page.token
            if not token:
                break
        return runs

    def status(self, run_id: str) -> str:
        """RUNNING, FINISHED, FAILED or KILLED."""
        return str(self.client.get_run(run_id).info.status)

    def end_running(self, study: str) -> None:
        """Mark this study's runs that are still RUNNING as KILLED: their workers are gone."""
        for run in self.search(study=study, status="RUNNING"):
            if run.tags["role"] != "study":
                self.client.set_terminated(run.id, "KILLED")

    def tag_experiment(self, key: str, value: str) -> None:
        """Set a tag of the experiment."""
        self.client.set_experiment_tag(self.experiment, key, value)

    def download(self, run_id: str, artifact: str, into: Path) -> Path:
        """Copy a run's artifact folder into ``into``; where it then lies. Raises: UserError if it cannot be had."""
        from mlflow.exceptions import MlflowException

        try:
            return Path(self.client.download_artifacts(run_id, artifact, str(into)))
        except (MlflowException, OSError) as error:
            reason = str(error).splitlines()[0][:200]
            raise UserError(f"the artifacts ({artifact}) of the MLflow run {run_id} cannot be had: {reason}") from None


def _run_info(run: Any) -> RunInfo:
    created = _text(datetime.fromtimestamp(run.info.start_time / 1000, UTC))
    return RunInfo(run.info.run_id, str(run.info.status), created, run.data.tags, run.data.params, run.data.metrics)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


def relative(folder: Path) -> str:
    """A folder as tags tell it: from the project, so that it is found after that moved; absolute if outside of it."""
    place, project = Path(os.path.abspath(folder)), project_home()
    return place.relative_to(project).as_posix() if place.is_relative_to(project) else str(place)


def places(tags: dict[str, str]) -> list[Path]:
    """Where the folder that a run's tags name may lie: in this project, or in the one that it was recorded from."""
    projects = (project_home(), Path(tags.get("project", project_home())))
    return list(dict.fromkeys(project / tags["folder"] for project in projects))


def _here() -> dict[str, str]:
    """Where a process that records is at work: what tells later whether it still lives."""
    return {"host": socket.gethostname(), "project": str(project_home())}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def open_store(tracking: TrackingConfig) -> TrackingStore | None:
    """The store that ``conf/tracking`` or MLflow's own environment variables name; None if it is off.

    Raises: UserError if it can't be reached.
    """
    if not tracking.enabled:
        return None
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    uri = os.environ.get("MLFLOW_TRACKING_URI") or _in_project(tracking.uri)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or tracking.experiment
    local = not uri.startswith(("http", "databricks"))
    try:
        with _quiet():
            client = MlflowClient(tracking_uri=uri)
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                place = project_path(tracking.artifacts).resolve().as_uri() if local else None
                return TrackingStore(client, uri, client.create_experiment(name, artifact_location=place), tracking)
            if experiment.lifecycle_stage == "deleted":
                raise UserError(f"the MLflow experiment '{name}' is deleted: restore it, or choose another name")
    except (MlflowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200]
        raise UserError(
            f"cannot use the MLflow tracking store {uri}: {reason}. Start its server, set tracking.uri or "
            "MLFLOW_TRACKING_URI to another, or train with tracking=off"
        ) from None
    relocate(uri, experiment.artifact_location, project_path(tracking.artifacts))
    return TrackingStore(client, uri, experiment.experiment_id, tracking)


def _in_project(uri: str) -> str:
    """A tracking URI in which a relative path is one in the project."""
    scheme = "sqlite:///" if uri.startswith("sqlite:///") else ""
    path = uri.removeprefix(scheme)
    return uri if ":" in path or path.startswith("databricks") else f"{scheme}{project_path(path)}"


def mark_orphaned_runs(store: TrackingStore) -> None:
    """Mark runs KILLED that this machine left RUNNING when they died without a word (SIGKILL, power)."""
    for run in store.search(host=socket.gethostname(), status="RUNNING"):
        if "folder" not in run.tags or any(is_locked(place) for place in places(run.tags)):
            continue
        if store.status(run.id) == "RUNNING":  # it may have ended since
            store.client.set_terminated(run.id, "KILLED")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the database migration of a new store off the screen."""
    import logging

    loggers = [logging.getLogger(name) for name in ("alembic", "mlflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
