"""The only file that imports mlflow: where runs are recorded, under which names, and how they end.

`open_store` gives a `Store`, or None with ``tracking=off``; a store makes `Record`s, one an MLflow run.
A plain `Record` records nothing, so that training reads the same with tracking on and off.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from overcast.errors import UserError
from overcast.hold import held
from overcast.paths import home, project_path
from overcast.relocate import relocate

# a dead server is said within seconds, not after minutes of retries
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # one a run of a study


NOT_IN_NAMES = re.compile(r"[^\w\-. /:]")
"""What MLflow refuses in a metric's name, such as the & of a class name."""


class Record:
    """Records nothing: what ``tracking=off`` uses, and the methods every record has."""

    id: str = ""
    broken: str = ""
    """Why what was said no longer arrives, once it does not."""

    def params(self, values: dict[str, Any]) -> None:
        """Log parameters, once."""

    def tags(self, values: dict[str, str]) -> None:
        """Set tags."""

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        """Log metrics at an epoch, in one call."""

    def dataset(self, name: str, digest: str, source: str, profile: str) -> None:
        """Log the data set as an MLflow dataset."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Log a file, or a folder's content."""

    def end(self, status: str) -> None:
        """Give the run its last word: FINISHED, FAILED or KILLED."""


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back: one in the middle of a commit would leave the database locked."""
    if threading.current_thread() is not threading.main_thread():  # only that one handles signals
        yield
        return
    caught: list[int] = []
    before = {n: signal.signal(n, lambda number, _: caught.append(number)) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        for late in caught[:1]:
            signal.raise_signal(late)


@dataclass
class MlflowRecord(Record):
    """One MLflow run. A server that dies on the way costs the record, not the training."""

    client: Any
    id: str
    broken: str = ""

    def _say(self, call: str, *args: Any, tries: int = 1, **kwargs: Any) -> None:
        from mlflow.exceptions import MlflowException

        if self.broken:
            return
        try:
            with _undisturbed():
                getattr(self.client, call)(self.id, *args, **kwargs)
        except (MlflowException, OSError) as error:
            if tries > 1:
                self._say(call, *args, tries=tries - 1, **kwargs)
                return
            self.broken = str(error).splitlines()[0]
            print(
                f"overcast: MLflow stopped taking records ({self.broken}). The run goes on, whole in its folder; "
                "`python pipelines/evaluate.py run=<folder>` records it anew later.",
                file=sys.stderr,
            )

    def params(self, values: dict[str, Any]) -> None:
        from mlflow.entities import Param

        self._say("log_batch", params=[Param(k, str(v)) for k, v in values.items()])

    def tags(self, values: dict[str, str]) -> None:
        from mlflow.entities import RunTag

        self._say("log_batch", tags=[RunTag(k, str(v)) for k, v in values.items()])

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._say(
            "log_batch", metrics=[Metric(NOT_IN_NAMES.sub("_", k), float(v), now, step) for k, v in values.items()]
        )

    def dataset(self, name: str, digest: str, source: str, profile: str) -> None:
        from mlflow.entities import Dataset, DatasetInput

        entity = Dataset(name, digest[:36], "local", source, profile=profile)
        # of two runs that are the first to see new data only one can add it; the other's second try finds it
        self._say("log_inputs", datasets=[DatasetInput(dataset=entity)], tries=2)

    def artifact(self, path: Path, folder: str = "") -> None:
        self._say("log_artifacts" if path.is_dir() else "log_artifact", str(path), folder or None)

    def end(self, status: str) -> None:
        self._say("set_terminated", status=status)


@dataclass(frozen=True)
class Found:
    """What a search tells of a run; ``created``: when, in UTC, as text that sorts."""

    id: str
    created: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]


@dataclass
class Store:
    """An MLflow tracking store and the experiment in it; ``settings``: what it was opened with."""

    client: Any
    uri: str
    experiment: str
    settings: dict[str, Any]

    def create(self, name: str, tags: dict[str, str], parent: str = "") -> MlflowRecord:
        """A new run, RUNNING, below ``parent`` if given."""
        tags = {"mlflow.user": _user(), **_here(), **tags}
        tags |= {"mlflow.parentRunId": parent} if parent else {}
        run = self.client.create_run(self.experiment, tags=tags, run_name=name)
        return MlflowRecord(self.client, run.info.run_id)

    def find(self, run_id: str) -> MlflowRecord | None:
        """The run with this id, or None if this store has never seen it."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.get_run(run_id)
        except MlflowException:
            return None
        return MlflowRecord(self.client, run_id)

    def study(self, key: str, name: str, tags: dict[str, str]) -> MlflowRecord:
        """The parent run of the study ``key``, RUNNING: the one there is, or a new one; tagged as opened now."""
        tags = {"opened": _text(datetime.now(UTC)), **tags}
        for run in self.search(study=key, role="study", limit=1):
            record = MlflowRecord(self.client, run.id)
            self.client.update_run(run.id, status="RUNNING")
            record.tags(_here() | tags)
            return record
        return self.create(name, {"role": "study", "study": key, **tags})

    def search(self, status: str = "", limit: int = 50_000, **equal: str) -> list[Found]:
        """Runs with these tags (or ``params.<name>``), newest first."""
        terms = [f"{key if '.' in key else 'tags.' + key} = '{value}'" for key, value in equal.items()]
        terms += [f"attributes.status = '{status}'"] if status else []
        found: list[Found] = []
        token = None
        while len(found) < limit:
            page = self.client.search_runs(
                [self.experiment],
                " and ".join(terms),
                max_results=min(limit - len(found), 1000),
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            found += [_found(run) for run in page]
            token = page.token
            if not token:
                break
        return found

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


def _found(run: Any) -> Found:
    created = _text(datetime.fromtimestamp(run.info.start_time / 1000, UTC))
    return Found(run.info.run_id, created, run.data.tags, run.data.params, run.data.metrics)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


def relative(folder: Path) -> str:
    """A folder as tags tell it: from the project, so that it is found after that moved; absolute if outside of it."""
    place, project = Path(os.path.abspath(folder)), home()
    return place.relative_to(project).as_posix() if place.is_relative_to(project) else str(place)


def places(tags: dict[str, str]) -> list[Path]:
    """Where the folder that a run's tags name may lie: in this project, or in the one that it was recorded from."""
    projects = (home(), Path(tags.get("project", home())))
    return list(dict.fromkeys(project / tags["folder"] for project in projects))


def _here() -> dict[str, str]:
    """Where a process that records is at work: what tells later whether it still lives."""
    return {"host": socket.gethostname(), "project": str(home())}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def open_store(tracking: dict[str, Any]) -> Store | None:
    """The store that ``conf/tracking`` or MLflow's own environment variables name; None if it is off.

    Raises: UserError if it can't be reached.
    """
    if not tracking["enabled"]:
        return None
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    uri = os.environ.get("MLFLOW_TRACKING_URI") or _in_project(tracking["uri"])
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or tracking["experiment"]
    local = not uri.startswith(("http", "databricks"))
    try:
        with _quiet():
            client = MlflowClient(tracking_uri=uri)
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                place = project_path(tracking["artifacts"]).resolve().as_uri() if local else None
                return Store(client, uri, client.create_experiment(name, artifact_location=place), tracking)
            if experiment.lifecycle_stage == "deleted":
                raise UserError(f"the MLflow experiment '{name}' is deleted: restore it, or pick another name")
    except (MlflowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200]
        raise UserError(
            f"cannot use the MLflow tracking store {uri}: {reason}. Start its server, set tracking.uri or "
            "MLFLOW_TRACKING_URI to another, or train with tracking=off"
        ) from None
    relocate(uri, experiment.artifact_location, project_path(tracking["artifacts"]))
    return Store(client, uri, experiment.experiment_id, tracking)


def _in_project(uri: str) -> str:
    """A tracking URI in which a relative path is one in the project."""
    scheme = "sqlite:///" if uri.startswith("sqlite:///") else ""
    path = uri.removeprefix(scheme)
    return uri if ":" in path or path.startswith("databricks") else f"{scheme}{project_path(path)}"


def bury(store: Store) -> None:
    """Mark runs KILLED that this machine left RUNNING when they died without a word (SIGKILL, power)."""
    for run in store.search(host=socket.gethostname(), status="RUNNING"):
        if "folder" not in run.tags or any(held(place) for place in places(run.tags)):
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


@contextlib.contextmanager
def ending(record: Record) -> Iterator[None]:
    """End the record as what happened inside: FINISHED, FAILED and why, or KILLED by Ctrl-C or SIGTERM."""
    try:
        with terminating():
            yield
    except (KeyboardInterrupt, SystemExit):
        record.end("KILLED")
        raise
    except BaseException as error:
        record.tags({"reason": (str(error).splitlines() or [type(error).__name__])[0]})
        record.end("FAILED")
        raise
    record.end("FINISHED")


@contextlib.contextmanager
def terminating() -> Iterator[None]:
    """Let SIGTERM end this process in order, with exit code 143."""
    try:
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    except ValueError:  # not in the main thread: whoever owns that one decides
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
