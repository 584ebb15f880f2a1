"""Sending what is logged to MLflow, now or later: in order, once, and whatever it refuses costs nothing else."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overcast.core.console import warn
from overcast.core.locks import is_locked
from overcast.core.signals import signals_deferred
from overcast.tracking.failures import GONE, error_code, is_refusal, listens, quiet, reason
from overcast.tracking.outbox import (
    IDEMPOTENCY_KEY,
    LOST,
    Entry,
    Outbox,
    find_outboxes,
    from_portable,
    mark,
    portable_uri,
    read_outbox,
    taken,
)  # fmt: skip
from overcast.tracking.run_folder import Run


class NotDeliveredError(Exception):
    """MLflow does not answer, or not as it should: another time it may. Its text is why."""


class DeletedError(Exception):
    """The MLflow run was deleted."""


class UnknownRunError(DeletedError):
    """The store has no such run: it was removed for good, or the store is another one than it was."""


@dataclass(frozen=True)
class Delivery:
    """What came of an outbox: how many entries were sent and are left, what was refused, and why it did not go on."""

    folder: Path
    run: str
    sent: int
    left: int
    refused: Sequence[str] = ()
    why: str = ""


def send(client: Any, run: str, entry: Entry, folder: Path) -> list[str]:
    """Log an entry to the MLflow run of this id; gives what MLflow refuses of it, and why, a line each.

    An entry is one of ``params`` and ``tags`` (a dict), ``metrics`` (lists of name, value, time in milliseconds and
    step), ``dataset`` (name, digest, source, profile), ``artifact`` (path, artifact folder) and ``end`` (status, time).
    folder: the run's, from which paths are told.

    Raises: NotDeliveredError, and DeletedError if there is no such run any more.
    """
    ((kind, values),) = entry.items()
    if kind == LOST:
        return ["an entry (it was damaged while it waited)"]
    try:
        with quiet():
            _call(client, run, kind, values, folder)
    except Exception as error:  # that of an artifact store may be of any kind
        if not is_refusal(error) and error_code(error) not in GONE:
            raise NotDeliveredError(reason(error)) from None
        _refuse_gone(client, run)
        parts = list(_parts(kind, values))
        if len(parts) > 1:
            lines = [line for part in parts for line in send(client, run, {kind: part}, folder)]
            return list(dict.fromkeys(lines))
        return [f"{_title(kind, values)} ({reason(error)})"]
    return []


def _call(client: Any, run: str, kind: str, values: Any, folder: Path) -> None:
    from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag

    if kind == "params":
        client.log_batch(run, params=[Param(name, value) for name, value in values.items()])
    elif kind == "tags":
        client.log_batch(run, tags=[RunTag(name, value) for name, value in values.items()])
    elif kind == "metrics":
        client.log_batch(run, metrics=[Metric(*each) for each in values])
    elif kind == "dataset":
        name, digest, source, profile = values
        inputs = [DatasetInput(dataset=Dataset(name, digest, "local", source, profile=profile))]
        try:
            client.log_inputs(run, datasets=inputs)
        except Exception:  # of two runs that are the first to see new data only one can add it; now it is there
            client.log_inputs(run, datasets=inputs)
    elif kind == "artifact":
        path = from_portable(values[0], folder)
        if not path.exists():
            raise ValueError("the file is gone")
        (client.log_artifacts if path.is_dir() else client.log_artifact)(run, str(path), values[1] or None)
    else:
        client.set_terminated(run, status=values[0], end_time=values[1])


def _parts(kind: str, values: Any) -> Iterator[Any]:
    """The same values in smaller entries, one a name, and then one a value; one that cannot be parted is itself."""
    if kind in ("params", "tags"):
        yield from ({name: value} for name, value in values.items())
    elif kind == "metrics":
        names = dict.fromkeys(name for name, *_ in values)
        same = [[each for each in values if each[0] == name] for name in names]
        yield from same if len(same) > 1 else ([each] for each in values)
    else:
        yield values


def _title(kind: str, values: Any) -> str:
    if kind == "end":
        return f"the status {values[0]}"
    if kind == "artifact":
        return f"artifact '{from_portable(values[0], Path()).name}'"
    return f"{kind.removesuffix('s')} '{values[0][0] if kind == 'metrics' else next(iter(values))}'"


def _refuse_gone(client: Any, run: str) -> None:
    """Raises: DeletedError, UnknownRunError, or NotDeliveredError if MLflow does not tell."""
    if (stage := lifecycle(client, run)) != "active":
        raise DeletedError if stage else UnknownRunError


def lifecycle(client: Any, run: str) -> str:
    """Whether the run of this id is "active" or "deleted"; "" for none. Raises: NotDeliveredError if MLflow does not
    tell.
    """
    try:
        with quiet():
            return str(client.get_run(run).info.lifecycle_stage)
    except Exception as error:
        if error_code(error) in GONE:
            return ""
        raise NotDeliveredError(reason(error)) from None


def create(client: Any, experiment: str, creation: dict[str, Any]) -> str:
    """The id of a new run, which is made once: where no answer came, it is looked for before it is made again.

    Raises: MLflow's errors.
    """
    tags, name = creation["tags"], creation["name"]

    def call() -> str:
        with _no_retries():
            return str(
                client.create_run(experiment, start_time=creation["start"], tags=tags, run_name=name).info.run_id
            )

    try:
        return call()
    except Exception as error:
        if is_refusal(error):
            raise
        return find_created(client, experiment, tags[IDEMPOTENCY_KEY]) or call()


def find_created(client: Any, experiment: str, key: str) -> str:
    """The id of the run that was created with this key; "" for none. Raises: MLflow's errors."""
    runs = client.search_runs([experiment], f"tags.{IDEMPOTENCY_KEY} = '{key}'", max_results=1)
    return str(runs[0].info.run_id) if runs else ""


@contextmanager
def _no_retries() -> Iterator[None]:
    """MLflow sends each request once, which else it repeats by itself where no answer came."""
    name = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
    before = os.environ.get(name)
    os.environ[name] = "0"
    try:
        yield
    finally:
        os.environ.pop(name)
        os.environ |= {name: before} if before is not None else {}


def deliver(path: Path, client: Any) -> Delivery | None:
    """Send what an outbox's file holds, and remove it when all is sent; None where another process is at it.

    Where MLflow does not answer, the rest is kept for another time.
    """
    with taken(path) as file, redirect_stdout(io.StringIO()):  # MLflow tells the address of each run that ends
        if file is None:
            return None
        unsent = read_outbox(path)
        run, sent, refused = unsent.run, 0, list[str]()
        try:
            if not run:
                run = _create_late(client, unsent.outbox)
                mark(file, created=run)
            if unsent.outbox.creation:
                _tell_id(path, run)
            for entry in unsent.entries:
                with signals_deferred():
                    refused += send(client, run, entry, path.parent)
                    mark(file, delivered=1)
                sent += 1
        except (NotDeliveredError, UnknownRunError) as error:
            why = str(error) or f"this store has no MLflow run {run}"
            return Delivery(path.parent, run, sent, len(unsent.entries) - sent, refused, why)
        except DeletedError:
            refused.append(f"{len(unsent.entries) - sent} entries (the MLflow run {run} was deleted)")
        path.unlink()
        return Delivery(path.parent, run, sent, 0, refused)


def _create_late(client: Any, outbox: Outbox) -> str:
    """The run of an outbox that could not be created when it began, in its parent's experiment."""
    parent = outbox.creation["tags"]["mlflow.parentRunId"]
    if not lifecycle(client, parent):
        raise UnknownRunError(f"this store has no MLflow run {parent}, below which it belongs")
    try:
        experiment = client.get_run(parent).info.experiment_id
        return find_created(client, experiment, outbox.key) or create(client, experiment, outbox.creation)
    except Exception as error:
        raise NotDeliveredError(reason(error)) from None


def _tell_id(path: Path, run: str) -> None:
    """Let the run that this outbox is of, if it still is in the folder, name the MLflow run that was created late."""
    with suppress(OSError, ValueError):
        if Run(path.parent).record.get("outbox") == path.name:
            Run(path.parent).write_record(id=run)


def unsent_files(runs: Path) -> list[Path]:
    """The outboxes of the runs and studies in this folder."""
    folders = sorted(runs.glob("*/")) + sorted(runs.glob("studies/*/"))
    return [path for folder in folders for path in find_outboxes(folder)]


def deliver_all(client: Any, uri: str, paths: Sequence[Path]) -> list[Delivery]:
    """Deliver these outboxes, those that are for this store and whose run is not under way, and say what is refused."""
    deliveries: list[Delivery] = []
    for path in paths:
        with suppress(OSError, ValueError):
            if read_outbox(path).outbox.uri != portable_uri(uri) or is_locked(path.parent):
                continue
            if not deliveries and not listens(uri):
                break
            if delivery := deliver(path, client):
                deliveries.append(delivery)
                for line in delivery.refused:
                    warn(f"not recorded in MLflow: {line}, of {delivery.folder}")
                if not listens(uri):
                    break
    return deliveries
