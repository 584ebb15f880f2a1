"""One rank of `overcast.training.distributed`, started with its parent's id and its end of the line between them.

Until its parent is watched, nothing is imported that takes time.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overcast.core.errors import UnreachableError, UserError
from overcast.core.system_errors import refusals_told
from overcast.core.watchdog import LAST_WORD, exit_with

if TYPE_CHECKING:
    from overcast.tracking.outbox import Outbox
    from overcast.tracking.run import RunRecorder
    from overcast.tracking.run_folder import Run


class LastWord:
    """What rank 0 records where its parent, who would, is gone: that the run was killed."""

    def __init__(self) -> None:
        self.record: Any = None

    def __call__(self) -> None:
        if self.record:
            self.record.end("KILLED")


def main(parent: int, line: Connection) -> None:
    """Train what the parent asks for, and send it rank 0's figures or what went wrong."""
    last_word = LastWord()
    exit_with(parent, last_word)
    from overcast.training.distributed import Failure

    try:
        with refusals_told():
            answer: dict[str, Any] | Failure = _fit(line.recv(), last_word)
    except UserError as error:
        answer = Failure(error, time.monotonic())
    except Exception as error:
        # the error itself may not unpickle
        answer = Failure(f"{type(error).__name__}: {error}", time.monotonic(), traceback.format_exc())
    try:
        line.send(answer)
    except ConnectionError:  # the parent is gone, as is seen in a moment: then this process ends, after its last word
        time.sleep(2 * LAST_WORD)
    line.close()


def _fit(job: dict[str, Any], last_word: LastWord) -> dict[str, Any]:
    from overcast.core.devices import Devices
    from overcast.tracking.outbox import Outbox
    from overcast.tracking.run import RunRecorder
    from overcast.tracking.run_folder import Run
    from overcast.training.distributed import REFUSED
    from overcast.training.fit import fit

    run = Run(Path(job["folder"]))
    is_first = os.environ["RANK"] == "0"
    record = open_record(run, Outbox(**job["outbox"])) if is_first and job["outbox"] else RunRecorder()
    last_word.record = record
    start = Run(Path(job["first"])) if job["first"] else None
    devices, shown = Devices(**job["devices"]), is_first and job["shown"]
    facts = fit(run, devices, record, job["title"], shown=shown, first=start, resume=job["resume"])
    return {**facts, REFUSED: [*record.refused]}


def open_record(run: Run, outbox: Outbox) -> RunRecorder:
    """The record that was opened by the process asked for the run; kept for later if its store does not answer now."""
    from overcast.tracking.late_record import reopen_store
    from overcast.tracking.run import MlflowRun

    client = None
    with suppress(UnreachableError):
        store = reopen_store(run.config.tracking)
        client = store.client if store else None
    return MlflowRun(client if outbox.run else None, outbox.run, outbox)


if __name__ == "__main__":
    main(int(sys.argv[1]), Connection(int(sys.argv[2])))
