"""Several processes for one run, one a device, with torch's own launcher: alone, in a sweep, in a worker.

`launch` runs in the process that was asked for the run; it owns the MLflow run and ends it. Each rank is
``python -m overcast.ranks <run folder>``, rebuilds everything from that folder, and rank 0 alone logs.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, record

from overcast.devices import Devices
from overcast.errors import DivergedError, UserError
from overcast.runs import Run
from overcast.tracking import MlflowRecord, Record, open_store

JOB, RESULT = "ranks.json", "result.json"
DIVERGED = "diverged"
"""What a result says instead of the figures, where there are none: why."""


def launch(run: Run, devices: Devices, record: Record, title: str, shown: bool) -> dict[str, Any]:
    """`overcast.fit.fit` on ``devices.ranks`` processes.

    Raises: RuntimeError naming the rank and its error if one fails; DivergedError if the run diverged.
    """
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    job = {
        "devices": asdict(devices),
        "record": record.id,
        "title": title,
        "shown": shown,
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
        elastic_launch(config, sys.executable)("-m", "overcast.ranks", str(run.folder))
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        # ChildFailedError itself can't travel from a worker process
        raise RuntimeError(f"rank {rank} of {devices.ranks} failed: {failure.message}") from None
    facts: dict[str, Any] = json.loads(run.path(RESULT).read_text(encoding="utf8"))
    run.path(JOB).unlink()
    run.path(RESULT).unlink()
    if DIVERGED in facts:
        raise DivergedError(facts[DIVERGED])
    return facts


def _end_with(parent: int) -> None:
    """End this rank when the process that asked for the run is gone, even by SIGKILL."""

    def watch() -> None:
        while os.path.exists(f"/proc/{parent}") if sys.platform == "linux" else os.getppid() != 1:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@record
def main() -> None:
    """One rank."""
    from overcast.fit import fit

    run = Run(Path(sys.argv[1]))
    job = json.loads(run.path(JOB).read_text(encoding="utf8"))
    _end_with(job["parent"])
    first = os.environ["RANK"] == "0"
    store = open_store(run.config["tracking"]) if first and job["record"] else None
    log = MlflowRecord(store.client, job["record"]) if store else Record()
    try:
        facts = fit(run, Devices(**job["devices"]), log, job["title"], shown=first and job["shown"])
    except DivergedError as error:  # which every rank finds at once, and none is at fault for
        facts = {DIVERGED: str(error)}
    if first:
        run.write(RESULT, json.dumps(facts))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
