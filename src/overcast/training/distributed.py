"""Several processes for one run, one a device, with torch's own launcher: alone, in a sweep, in a worker.

Each rank has its part of every batch, and their gradients are those of the whole batch: two ranks are one process to
rounding. Batch norm alone is not: its mean and variance are those of each rank's own part, and rank 0's running ones
are kept. So the number of ranks is a part of a run's identity.

`launch` runs in the process that was asked for the run; it owns the MLflow run and ends it. Each rank is
``python -m overcast.training.distributed <run folder>``, rebuilds everything from that folder, and rank 0 alone logs.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import uuid
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure, record

from overcast.core.devices import Devices
from overcast.core.errors import DivergedError, UnreachableError, UserError
from overcast.core.watchdog import exit_with
from overcast.tracking.late_record import reopen_store
from overcast.tracking.outbox import Outbox
from overcast.tracking.run import MlflowRun, RunRecorder
from overcast.tracking.run_folder import Run

JOB, RESULT = "ranks.json", "result.json"
DIVERGED = "diverged"
"""What a result says instead of the figures, where there are none: why."""
REFUSED = "refused"
"""What a result says beside them: what MLflow did not take."""


def launch(
    run: Run, devices: Devices, record: RunRecorder, title: str, shown: bool, first: Run | None = None
) -> dict[str, Any]:
    """`overcast.training.fit.fit` on ``devices.ranks`` processes.

    Raises: RuntimeError naming the rank and its error if one fails; DivergedError if the run diverged.
    """
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    job = {
        "devices": asdict(devices),
        "outbox": asdict(record.outbox) if record.outbox else None,
        "title": title,
        "shown": shown,
        "first": str(first.folder) if first else "",
        "parent": os.getpid(),
    }
    run.write(JOB, json.dumps(job))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=devices.ranks,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        shutdown_timeout=5,
    )
    os.environ["OMP_NUM_THREADS"] = str(devices.threads)
    try:
        elastic_launch(config, sys.executable)("-m", "overcast.training.distributed", str(run.folder))
        facts: dict[str, Any] = json.loads(run.path(RESULT).read_text(encoding="utf8"))
    except ChildFailedError as error:
        rank, failure = min(error.failures.items(), key=lambda each: _when(each[1]))
        message: Any = failure.message  # that of an exception comes with its traceback
        reason = message if isinstance(message, str) else message["message"]
        # ChildFailedError itself can't travel from a worker process
        raise RuntimeError(f"rank {rank} of {devices.ranks} failed: {reason}") from None
    finally:
        run.path(JOB).unlink()
        run.path(RESULT).unlink(missing_ok=True)
    record.refuse(facts.pop(REFUSED))
    if DIVERGED in facts:
        raise DivergedError(facts[DIVERGED])
    return facts


def _when(failure: ProcessFailure) -> float:
    """When a rank failed, in seconds: the others fail within moments, for want of it, so that whole ones won't do."""
    if Path(failure.error_file).is_file():
        return Path(failure.error_file).stat().st_mtime
    if failure.exitcode == -signal.SIGTERM:  # it was well, and was told to end
        return math.inf
    return failure.timestamp - 1  # seen a moment after it died, in whole seconds


@record
def main() -> None:
    """One rank."""
    from overcast.training.fit import fit

    run = Run(Path(sys.argv[1]))
    job = json.loads(run.path(JOB).read_text(encoding="utf8"))
    exit_with(job["parent"])
    first = os.environ["RANK"] == "0"
    log = _open_record(run, Outbox(**job["outbox"])) if first and job["outbox"] else RunRecorder()
    try:
        start = Run(Path(job["first"])) if job["first"] else None
        facts = fit(run, Devices(**job["devices"]), log, job["title"], shown=first and job["shown"], first=start)
    except DivergedError as error:  # which every rank finds at once, and none is at fault for
        facts = {DIVERGED: str(error)}
    if first:
        run.write(RESULT, json.dumps({**facts, REFUSED: [*log.refused]}))


def _open_record(run: Run, outbox: Outbox) -> RunRecorder:
    """The record that was opened by the process asked for the run; kept for later if its store does not answer now."""
    client = None
    with suppress(UnreachableError):
        store = reopen_store(run.config.tracking)
        client = store.client if store else None
    return MlflowRun(client if outbox.run else None, outbox.run, outbox)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
