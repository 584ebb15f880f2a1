"""One MLflow run, or nothing in its place: what a training logs, and how it ends."""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from overcast.core.console import warn
from overcast.core.errors import StoppedError
from overcast.core.secrets import without_password
from overcast.core.signals import signals_deferred, sigterm_exits
from overcast.tracking.delivery import DeletedError, NotDeliveredError, deliver, send
from overcast.tracking.failures import listens, reason
from overcast.tracking.outbox import Entry, Outbox, portable

NOT_IN_NAMES = re.compile(r"[^\w\-. :]")
"""What MLflow refuses in a metric's name, and the slash, which parts it."""

LONGEST_NAME = 150
"""Characters of a class's name: MLflow takes 250 of a metric's, and refuses the whole call for one of more."""


MOST_METRICS = 1000
"""How many MLflow takes in one call."""

MAX_TAG = 8000
"""Characters that it keeps of a tag."""

MAX_PARAM = 6000
"""Characters that it keeps of a parameter."""

EVERY_EPOCH = "train/accuracy"
"""A metric that each epoch has which is looked at, with a validation part or without."""

DIGITS = 5
"""Significant ones of a metric in MLflow, which shows all there are; a run's own files keep them all."""


class Epoch(NamedTuple):
    """Metrics of one epoch, from 1, and when they were measured: seconds since 1970."""

    number: int
    metrics: dict[str, float]
    time: float


def name_part(text: str) -> str:
    """Any text as a part of a metric's name. What had to be changed in it is told from others by a hash."""
    safe = NOT_IN_NAMES.sub("_", text)[:LONGEST_NAME]
    if safe == text:
        return text
    return f"{safe}-{hashlib.sha256(text.encode('utf8', 'surrogateescape')).hexdigest()[:8]}"


def recordable(text: str, longest: int) -> str:
    """Any text as a value that MLflow and its databases take: without passwords, in UTF-8, cut where it is too long."""
    text = without_password(text).replace("\0", "").encode("utf8", "backslashreplace").decode("utf8")
    return text if len(text) <= longest else text[: longest - 1] + "…"


def rounded(value: float) -> float:
    """To `DIGITS`; a whole number, such as a count, as it is."""
    value = float(value)
    return value if value.is_integer() else float(f"{value:.{DIGITS}g}")


class RunRecorder:
    """Records nothing: what ``tracking=off`` uses, and the methods every record has."""

    id: str = ""
    outbox: Outbox | None = None
    """Where what does not arrive is kept; without one it is lost."""
    refused: Sequence[str] = ()
    """What MLflow did not take and never will, a line each."""

    def params(self, values: dict[str, Any]) -> None:
        """Log parameters, once."""

    def tags(self, values: dict[str, str]) -> None:
        """Set tags."""

    def metrics(self, values: dict[str, float]) -> None:
        """Log metrics that are no epoch's, in one call."""

    def epochs(self, rows: Sequence[Epoch]) -> None:
        """Log the metrics of several epochs, in one call."""

    def last_epoch(self) -> int | None:
        """The last epoch that is recorded; 0 if none is, None if that is not known."""
        return None

    def dataset(self, name: str, digest: str, source: str, profile: str) -> None:
        """Log the data set as an MLflow dataset."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Log a file, or a folder's content."""

    def refuse(self, lines: Sequence[str]) -> None:
        """Note what MLflow did not take."""

    def system_metrics(self) -> contextlib.AbstractContextManager[None]:
        """What the machine does meanwhile, recorded where MLflow's own environment variable asks for it."""
        return contextlib.nullcontext()

    def end(self, status: str) -> None:
        """Give the run its last word: FINISHED, FAILED or KILLED."""


@dataclass
class MlflowRun(RunRecorder):
    """One MLflow run. From the first thing on that does not arrive, all is kept in the run's folder, and sent later.

    client: MLflow's; None where its store does not answer from the beginning. id: "" if it is yet to be created.
    """

    client: Any
    id: str
    outbox: Outbox | None = None
    refused: list[str] = field(default_factory=list)
    deleted: bool = False

    def _record(self, kind: str, values: Any) -> None:
        if self.deleted or not values:
            return
        if self._can_send(kind):
            try:
                with signals_deferred():
                    self.refuse(send(self.client, self.id, {kind: values}, self._folder))
                return
            except DeletedError:
                self.refuse([f"what came after the MLflow run {self.id} was deleted"])
                self.deleted = True
                return
            except NotDeliveredError as error:
                warn(f"MLflow does not take records ({error}): {self._kept}")
        self._keep({kind: values})

    def refuse(self, lines: Sequence[str]) -> None:
        new = [line for line in lines if line not in self.refused]
        for line in new:
            warn(f"not recorded in MLflow: {line}")
        self.refused += new

    def _can_send(self, kind: str) -> bool:
        """Whether nothing waits to be sent first; at the end, which may be a hurried one, also that MLflow is there."""
        if not self.client or not self.outbox:
            return bool(self.client)
        return not self.outbox.waits and (kind != "end" or listens(self.outbox.uri))

    @property
    def _folder(self) -> Path:
        return Path(self.outbox.folder) if self.outbox else Path()

    @property
    def _kept(self) -> str:
        return f"they are kept in {self.outbox.folder} and sent later" if self.outbox else "they are lost"

    def _keep(self, entry: Entry) -> None:
        try:
            if not self.outbox:
                raise OSError("there is no folder to keep it in")
            with signals_deferred():
                self.outbox.add(entry)
        except OSError as error:
            self.refuse([f"{next(iter(entry))} (MLflow does not answer, and {reason(error)})"])

    def params(self, values: dict[str, Any]) -> None:
        self._record("params", {name: recordable(str(value), MAX_PARAM) for name, value in values.items()})

    def tags(self, values: dict[str, str]) -> None:
        self._record("tags", {name: recordable(str(value), MAX_TAG) for name, value in values.items()})

    def metrics(self, values: dict[str, float]) -> None:
        self.epochs([Epoch(0, values, time.time())])

    def epochs(self, rows: Sequence[Epoch]) -> None:
        metrics = [
            [name, rounded(value), int(1000 * row.time), row.number]
            for row in rows
            for name, value in row.metrics.items()
        ]
        for start in range(0, len(metrics), MOST_METRICS):
            self._record("metrics", metrics[start : start + MOST_METRICS])

    def last_epoch(self) -> int | None:
        if self.outbox and self.outbox.waits:  # with epochs in it, maybe
            return None
        with contextlib.suppress(Exception):  # of a store that is away: then some are recorded twice
            points = self.client.get_metric_history(self.id, EVERY_EPOCH)
            return int(max((point.step for point in points), default=0))
        return None

    def dataset(self, name: str, digest: str, source: str, profile: str) -> None:
        self._record("dataset", [name, digest[:36], recordable(source, MAX_TAG), profile])

    def artifact(self, path: Path, folder: str = "") -> None:
        self._record("artifact", [portable(path, self._folder), folder])

    @contextlib.contextmanager
    def system_metrics(self) -> Iterator[None]:
        from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING

        if not MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.get() or not self.client:
            yield
            return
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        monitor = SystemMetricsMonitor(self.id, tracking_uri=self.client.tracking_uri)
        monitor.start()
        try:
            yield
        finally:
            monitor.finish()

    def end(self, status: str) -> None:
        self._record("end", [status, int(1000 * time.time())])
        self.deliver()  # the store may have been away for a moment only

    def deliver(self) -> None:
        """Send what is kept, if the store answers by now."""
        if self.client and self.outbox and self.outbox.waits and listens(self.outbox.uri):
            with contextlib.suppress(OSError, ValueError):  # a damaged file, which `sync` tells
                delivery = deliver(self.outbox.path, self.client)
                self.refuse(delivery.refused if delivery else ())


@contextlib.contextmanager
def run_status(record: RunRecorder) -> Iterator[None]:
    """End the record as what happened inside: FINISHED, FAILED and why, or KILLED by Ctrl-C, SIGTERM or on purpose."""
    try:
        with sigterm_exits():
            yield
    except (KeyboardInterrupt, SystemExit):
        record.end("KILLED")
        raise
    except BaseException as error:
        record.tags({"reason": (str(error).splitlines() or [type(error).__name__])[0]})
        record.end("KILLED" if isinstance(error, StoppedError) else "FAILED")
        raise
    record.end("FINISHED")
