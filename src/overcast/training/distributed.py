"""Several processes for one run, one a device: alone, in a sweep, in a worker.

Each rank has its part of every batch, and their gradients are those of the whole batch: two ranks are one process to
rounding. Batch norm alone is not: its mean and variance are those of each rank's own part, and rank 0's running ones
are kept. So the number of ranks is a part of a run's identity.

`launch` runs in the process that was asked for the run; it owns the MLflow run and ends it. Each rank is
``python -m overcast.training.rank``, rebuilds everything from the run's folder, and rank 0 alone logs. torch's own
launcher is not used: it needs room in the temporary folder, and takes half a minute to notice a rank that was killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

from overcast.core.devices import Devices
from overcast.core.errors import DivergedError, UserError
from overcast.core.signals import ctrl_c_kept_from_children
from overcast.tracking.run import RunRecorder
from overcast.tracking.run_folder import Run
from overcast.training import rank

PROGRAM = ("-m", rank.__name__)

HOST = "127.0.0.1"

REFUSED = "refused"
"""What rank 0 tells beside its figures: what MLflow did not take."""

GRACE = 0.5
"""Seconds in which the others fail for want of the first rank that did: which was first is told by all of them."""


@dataclass(frozen=True)
class Failure:
    """Why a rank gave no figures, and when (`time.monotonic`, the same for all processes), in seconds.

    error: what the user can mend, or the name and the text of what was raised, with its trace.
    """

    error: UserError | str
    when: float
    trace: str = ""


@dataclass(frozen=True)
class Rank:
    """A process and the line to it, on which it is told its job and sends figures or a `Failure`."""

    process: subprocess.Popen[bytes]
    line: Connection

    def answer(self) -> dict[str, Any] | Failure:
        """What it sent, once there is something to read: a rank that ends without a word has failed."""
        try:
            sent: dict[str, Any] | Failure = self.line.recv()
        except (EOFError, OSError):
            return _death(self.process.wait())
        return sent


def launch(
    run: Run,
    devices: Devices,
    record: RunRecorder,
    title: str,
    shown: bool,
    first: Run | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """`overcast.training.fit.fit` on ``devices.ranks`` processes. None of them is left, however it ends.

    Raises: UserError naming the rank that died, or what it found that the user can mend; RuntimeError naming the rank
    and its error; DivergedError if the run diverged.
    """
    job = {
        "folder": str(run.folder),
        "devices": asdict(devices),
        "outbox": asdict(record.outbox) if record.outbox else None,
        "title": title,
        "shown": shown,
        "first": str(first.folder) if first else "",
        "resume": resume,
    }
    with _ranks(devices) as ranks:
        for each in ranks:
            with suppress(BrokenPipeError):  # it is dead, as is seen below
                each.line.send(job)
        figures = _figures(ranks)
    record.refuse(figures.pop(REFUSED, ()))
    return figures


@contextmanager
def _ranks(devices: Devices) -> Iterator[list[Rank]]:
    """The processes, killed at the end of the block: all they write is whole or not there at any moment."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined] # it is public

    store = TCPStore(HOST, 0, is_master=True, wait_for_workers=False)  # where they find each other
    ranks: list[Rank] = []
    try:
        for number in range(devices.ranks):
            ranks.append(_start(number, devices, store.port))
        yield ranks
    finally:
        for each in ranks:
            each.process.kill()
        for each in ranks:
            each.process.wait()
            each.line.close()


def _start(number: int, devices: Devices, port: int) -> Rank:
    environment = {
        "RANK": number,
        "LOCAL_RANK": number,
        "WORLD_SIZE": devices.ranks,
        "LOCAL_WORLD_SIZE": devices.ranks,
        "GROUP_RANK": 0,
        "MASTER_ADDR": HOST,
        "MASTER_PORT": port,
        "TORCHELASTIC_USE_AGENT_STORE": True,  # the one of `_ranks`
        "OMP_NUM_THREADS": devices.threads,
    }
    ours, theirs = Pipe()
    command = [sys.executable, *PROGRAM, str(os.getpid()), str(theirs.fileno())]
    with closing(theirs), ctrl_c_kept_from_children():
        process = subprocess.Popen(
            command,
            env=os.environ | {name: str(value) for name, value in environment.items()},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    return Rank(process, ours)


def _figures(ranks: list[Rank]) -> dict[str, Any]:
    """What rank 0 gives back, when all have ended well."""
    answers: dict[int, dict[str, Any] | Failure] = {}
    lines = {each.line: number for number, each in enumerate(ranks)}
    left: float | None = None
    while lines and (ready := wait(list(lines), left)):
        for line in [each for each in lines if each in ready]:
            number = lines.pop(line)
            answers[number] = ranks[number].answer()
        left = GRACE if any(isinstance(answer, Failure) for answer in answers.values()) else None
    failures = {number: answer for number, answer in answers.items() if isinstance(answer, Failure)}
    if failures:
        number = min(failures, key=lambda each: failures[each].when)
        raise _named(f"rank {number} of {len(ranks)}", failures[number])
    figures = answers[0]
    assert isinstance(figures, dict)
    return figures


def _named(name: str, failure: Failure) -> Exception:
    """What a rank's failure is for whoever asked for the run."""
    error = failure.error
    if isinstance(error, DivergedError):  # which every rank finds at once, and none is at fault for
        return error
    if isinstance(error, UserError):
        return type(error)(f"{name} failed: {error}")
    bug = RuntimeError(f"{name} failed: {error}")
    bug.add_note(failure.trace)
    return bug


def _death(code: int) -> Failure:
    """That a rank ended without a word: before what the others say, which is that they miss it.

    Not so where NCCL ends a rank that misses another.
    """
    reason = f"it ended with exit code {code}"
    if code < 0:
        reason = f"it was killed ({signal.Signals(-code).name})"
    if code == -signal.SIGKILL:
        reason += ": by the system for want of memory? Give a smaller batch_size or network, or fewer trainer.devices"
    return Failure(UserError(reason), time.monotonic() if code == -signal.SIGABRT else 0)
