"""One MLflow run, or nothing in its place: what a training logs, and how it ends."""

from __future__ import annotations

import contextlib
import hashlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from overcast.core.signals import signals_deferred, sigterm_exits

NOT_IN_NAMES = re.compile(r"[^\w\-. :]")
"""What MLflow refuses in a metric's name, and the slash, which parts it."""

LONGEST_NAME = 150
"""Characters of a class's name: MLflow takes 250 of a metric's, and refuses the whole call for one of more."""


MOST_METRICS = 1000
"""How many MLflow takes in one call."""

MAX_TAG = 8000
"""Characters that it keeps of a tag."""

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


def rounded(value: float) -> float:
    """To `DIGITS`; a whole number, such as a count, as it is."""
    value = float(value)
    return value if value.is_integer() else float(f"{value:.{DIGITS}g}")


class RunRecorder:
    """Records nothing: what ``tracking=off`` uses, and the methods every record has."""

    id: str = ""
    broken: str = ""
    """Why what was said no longer arrives, once it does not."""

    def params(self, values: dict[str, Any]) -> None:
        """Log parameters, once."""

    def tags(self, values: dict[str, str]) -> None:
        """Set tags."""

    def metrics(self, values: dict[str, float]) -> None:
        """Log metrics that are no epoch's, in one call."""

    def epochs(self, rows: Sequence[Epoch]) -> None:
        """Log the metrics of several epochs, in one call."""

    def dataset(self, name: str, digest: str, source: str, profile: str) -> None:
        """Log the data set as an MLflow dataset."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Log a file, or a folder's content."""

    def system_metrics(self) -> contextlib.AbstractContextManager[None]:
        """What the machine does meanwhile, recorded where MLflow's own environment variable asks for it."""
        return contextlib.nullcontext()

    def end(self, status: str) -> None:
        """Give the run its last word: FINISHED, FAILED or KILLED."""


@dataclass
class MlflowRun(RunRecorder):
    """One MLflow run. A server that dies on the way costs the record, not the training."""

    client: Any
    id: str
    broken: str = ""

    def _call(self, call: str, *args: Any, tries: int = 1, **kwargs: Any) -> None:
        from mlflow.exceptions import MlflowException

        if self.broken:
            return
        try:
            with signals_deferred():
                getattr(self.client, call)(self.id, *args, **kwargs)
        except (MlflowException, OSError) as error:
            if tries > 1:
                self._call(call, *args, tries=tries - 1, **kwargs)
                return
            self.broken = str(error).splitlines()[0]
            print(
                f"overcast: MLflow stopped taking records ({self.broken}). The run goes on, whole in its folder; "
                "`python pipelines/evaluate.py run=<folder>` records it anew later.",
                file=sys.stderr,
            )

    def params(self, values: dict[str, Any]) -> None:
        from mlflow.entities import Param

        self._call("log_batch", params=[Param(k, str(v)) for k, v in values.items()])

    def tags(self, values: dict[str, str]) -> None:
        from mlflow.entities import RunTag

        self._call("log_batch", tags=[RunTag(k, str(v)) for k, v in values.items()])

    def metrics(self, values: dict[str, float]) -> None:
        self.epochs([Epoch(0, values, time.time())])

    def epochs(self, rows: Sequence[Epoch]) -> None:
        from mlflow.entities import Metric

        metrics = [
            Metric(name, rounded(value), int(1000 * row.time), row.number)
            for row in rows
            for name, value in row.metrics.items()
        ]
        for start in range(0, len(metrics), MOST_METRICS):
            self._call("log_batch", metrics=metrics[start : start + MOST_METRICS])

    def dataset(self, name: str, digest: str, source: str, profile: str) -> None:
        from mlflow.entities import Dataset, DatasetInput

        entity = Dataset(name, digest[:36], "local", source, profile=profile)
        # of two runs that are the first to see new data only one can add it; the other's second try finds it
        self._call("log_inputs", datasets=[DatasetInput(dataset=entity)], tries=2)

    def artifact(self, path: Path, folder: str = "") -> None:
        self._call("log_artifacts" if path.is_dir() else "log_artifact", str(path), folder or None)

    @contextlib.contextmanager
    def system_metrics(self) -> Iterator[None]:
        from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING

        if not MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.get():
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
        self._call("set_terminated", status=status)


@contextlib.contextmanager
def run_status(record: RunRecorder) -> Iterator[None]:
    """End the record as what happened inside: FINISHED, FAILED and why, or KILLED by Ctrl-C or SIGTERM."""
    try:
        with sigterm_exits():
            yield
    except (KeyboardInterrupt, SystemExit):
        record.end("KILLED")
        raise
    except BaseException as error:
        record.tags({"reason": (str(error).splitlines() or [type(error).__name__])[0]})
        record.end("FAILED")
        raise
    record.end("FINISHED")
