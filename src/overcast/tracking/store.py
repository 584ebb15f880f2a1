"""Where runs are recorded and found again: in MLflow, which only this room imports.

`open_store` gives a `TrackingStore`, or None with ``tracking=off``; a store makes `MlflowRun`s.
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.core.paths import project_home, project_path
from overcast.core.process import this_process
from overcast.core.progress import open_bar
from overcast.core.secrets import keep_http_password, with_password, without_password
from overcast.tracking.database import prepare_database
from overcast.tracking.delivery import Delivery, NotDeliveredError, create, deliver_all, lifecycle, unsent_files
from overcast.tracking.failures import answering, unreachable
from overcast.tracking.heartbeat import ENDED_BECAUSE
from overcast.tracking.outbox import IDEMPOTENCY_KEY, Outbox, find_outboxes
from overcast.tracking.relocate import relocate
from overcast.tracking.retry import retried
from overcast.tracking.run import MAX_TAG, MlflowRun, recordable
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
        """A new run, RUNNING, below ``parent`` if given. Raises: UnreachableError if the store takes none."""
        creation = new_run(name, tags, parent)
        with answering(self.uri):
            run_id = retried(lambda: create(self.client, self.experiment, creation))
        return self.recorder(run_id, creation["tags"])

    def recorder(self, run_id: str, tags: Mapping[str, str]) -> MlflowRun:
        """The run of this id, to add to it. tags: those it has, or at least its ``folder``."""
        folder = str(places(dict(tags))[0]) if "folder" in tags else ""
        name = experiment_name(self.settings)
        return MlflowRun(self.client, run_id, Outbox(folder, self.uri, name, run_id) if folder else None)

    def find(self, run_id: str) -> bool:
        """Whether this store has a run with this id that was not deleted. Raises: UnreachableError."""
        try:
            return lifecycle(self.client, run_id) == "active"
        except NotDeliveredError as error:
            raise unreachable(self.uri, error) from None

    def study(self, key: str, name: str, tags: dict[str, str], role: str = "study") -> MlflowRun:
        """The parent run of the study ``key``, RUNNING: the one there is, or a new one; tagged as opened now.

        role: "search" for that of `overcast.tuning`, which is no study to compare.
        """
        tags = {"opened": _text(datetime.now(UTC)), "format": str(FORMAT), **tags}
        for run in self.search(study=key, role=role, limit=1):
            return self.reopen(run.id, tags)
        return self.create(name, {"role": role, "study": key, **tags})

    def reopen(self, run_id: str, tags: dict[str, str]) -> MlflowRun:
        """The run of this id, RUNNING again in this process, with these tags. Raises: UnreachableError."""
        record = self.recorder(run_id, tags)
        record.deliver()
        with answering(self.uri):
            known = self.client.get_run(run_id).data.tags
            self.client.update_run(run_id, status="RUNNING")
        record.tags(_here() | ({ENDED_BECAUSE: ""} if ENDED_BECAUSE in known else {}) | tags)
        return record

    def search(self, status: str = "", limit: int = 50_000, **equal: str) -> list[RunInfo]:
        """Runs with these tags (or ``params.<name>``), newest first. Raises: UnreachableError."""
        terms = [f"{key if '.' in key else 'tags.' + key} = '{value}'" for key, value in equal.items()]
        terms += [f"attributes.status = '{status}'"] if status else []
        runs: list[RunInfo] = []
        token = None
        # ten thousand take long
        with open_bar(desc="reading MLflow's runs", unit="run", delay=3, leave=False, disable=None) as bar:
            while len(runs) < limit:
                with answering(self.uri):
                    page = self.client.search_runs(
                        [self.experiment],
                        " and ".join(terms),
                        max_results=min(limit - len(runs), 1000),
                        order_by=["attributes.start_time DESC"],
                        page_token=token,
                    )
                runs += [_run_info(run) for run in page]
                bar.update(len(page))
                token = page.token
                if not token:
                    break
        return runs

    def status(self, run_id: str) -> str:
        """RUNNING, FINISHED, FAILED or KILLED."""
        return str(self.client.get_run(run_id).info.status)

    def tag_experiment(self, key: str, value: str) -> None:
        """Set a tag of the experiment. Raises: UnreachableError."""
        with answering(self.uri):
            self.client.set_experiment_tag(self.experiment, key, value)

    def download(self, run_id: str, artifact: str, into: Path) -> Path:
        """Copy a run's artifact folder into ``into``; where it then lies. Raises: UserError if it cannot be had."""
        from mlflow.exceptions import MlflowException

        try:
            return Path(self.client.download_artifacts(run_id, artifact, str(into)))
        except (MlflowException, OSError) as error:
            reason = str(error).splitlines()[0][:200]
            raise UserError(f"the artifacts ({artifact}) of the MLflow run {run_id} cannot be had: {reason}") from None


def new_run(name: str, tags: dict[str, str], parent: str = "") -> dict[str, Any]:
    """How to create a run that begins now, as `Outbox.creation` has it."""
    tags = {"mlflow.user": _user(), **_here(), IDEMPOTENCY_KEY: uuid4().hex, **tags}
    tags |= {"mlflow.parentRunId": parent} if parent else {}
    tags = {key: recordable(value, MAX_TAG) for key, value in tags.items()}
    return {"name": name, "tags": tags, "start": int(1000 * time.time())}


def has_unsent(run: RunInfo) -> bool:
    """Whether the folder of a run holds what was not delivered yet: it may have ended long ago."""
    return "folder" in run.tags and any(find_outboxes(place) for place in places(run.tags))


def deliver_unsent(store: TrackingStore, runs_dir: str, folders: Sequence[Path] = ()) -> list[Delivery]:
    """Deliver what the runs and studies in ``runs_dir``, and the runs in ``folders``, could not send to this store.

    Not those under way: other processes', or this one's own.
    """
    paths = unsent_files(project_path(runs_dir)) + [path for folder in folders for path in find_outboxes(folder)]
    return deliver_all(store.client, store.uri, list(dict.fromkeys(path.resolve() for path in paths)))


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
    return list(dict.fromkeys(project / tags["folder"] for project in projects if "folder" in tags))


def _here() -> dict[str, str]:
    """Who records and where: what tells later whether it still lives."""
    process = this_process()
    return {"host": process.host, "process": str(process), "project": str(project_home())}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def open_store(tracking: TrackingConfig) -> TrackingStore | None:
    """The store that ``conf/tracking`` or MLflow's own environment variables name; None if it is off.

    Raises: UnreachableError if it can't be reached, UserError if its experiment was deleted.
    """
    if not tracking.enabled:
        return None
    from mlflow import MlflowClient

    address, name = store_address(tracking), experiment_name(tracking)
    uri = without_password(address)
    local = not uri.startswith(("http", "databricks"))
    with answering(uri):
        prepare_database(address)
        client = retried(lambda: MlflowClient(tracking_uri=address))
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            place = project_path(tracking.artifacts).resolve().as_uri() if local else None
            experiment = _new_experiment(client, name, place)
    if experiment.lifecycle_stage == "deleted":
        raise UserError(f"the MLflow experiment '{name}' is deleted: restore it, or choose another name")
    relocate(uri, experiment.artifact_location, project_path(tracking.artifacts))
    return TrackingStore(client, uri, experiment.experiment_id, tracking)


def _new_experiment(client: Any, name: str, artifacts: str | None) -> Any:
    """Make it, or find it where another process has just made it."""
    from mlflow.exceptions import MlflowException

    try:
        made = retried(lambda: client.create_experiment(name, artifact_location=artifacts))
        return client.get_experiment(made)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return client.get_experiment_by_name(name)


def experiment_name(tracking: TrackingConfig) -> str:
    """Of the experiment that is recorded in."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or tracking.experiment


def store_address(tracking: TrackingConfig) -> str:
    """The URI of the store, with the password if it is a database's: MLflow finds that of a server by itself."""
    return keep_http_password(os.environ.get("MLFLOW_TRACKING_URI") or with_password(_in_project(tracking.uri)))


def _in_project(uri: str) -> str:
    """A tracking URI with the whole path of what lies in the project: by it MLflow keeps the stores of a process."""
    scheme = "sqlite:///" if uri.startswith("sqlite:///") else ""
    path = uri.removeprefix(scheme)
    return uri if ":" in path or path.startswith("databricks") else f"{scheme}{project_path(path).absolute()}"
