"""A sign of life for those who cannot see a run's process: a tag of its record that changes each minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from overcast.tracking.run import RunRecorder

HEARTBEAT = "heartbeat"
"""The tag; only that it changes means something, since clocks differ."""

ENDED_BECAUSE = "ended_because"
"""The tag that says why a run was marked KILLED by another process than its own."""

INTERVAL = 60.0
"""Seconds between two beats."""

STILL = 600.0
"""Seconds without one after which a run that nobody can see counts as dead."""


@contextmanager
def heartbeat(record: RunRecorder, interval: float = INTERVAL, still: float = STILL) -> Iterator[None]:
    """Beat inside the block. A run that was marked KILLED meanwhile, as one whose computer slept, takes that back.

    A beat that does not arrive costs nothing, and the thread holds no process up.
    """
    client = getattr(record, "client", None)
    if client is None:
        yield
        return
    done = threading.Event()
    began = time.time()

    def beat() -> None:
        last = began
        while not done.wait(interval):
            with suppress(Exception):
                now = time.time()
                client.set_tag(record.id, HEARTBEAT, datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"))
                late, last = abs(now - last) > still, now
                if late and not done.is_set() and _take_back(client, record.id):
                    client.update_run(record.id, status="RUNNING")

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()
    try:
        yield
    finally:
        done.set()
        if abs(time.time() - began) > still:
            with suppress(Exception):
                _take_back(client, record.id)


def _take_back(client: Any, run_id: str) -> bool:
    """Empty the tag that says why the run is dead; whether there was one."""
    ended = bool(client.get_run(run_id).data.tags.get(ENDED_BECAUSE))
    if ended:
        client.set_tag(run_id, ENDED_BECAUSE, "")
    return ended
