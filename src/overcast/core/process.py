"""Which process this is, told so that another one can find out later whether it is gone."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

OUTSIDE = "pid:[4026531836]"
"""The process namespace that Linux starts in, which no container has."""


@dataclass(frozen=True)
class ProcessId:
    """A process, for as long as machines run; "" and 0 for what this system does not tell.

    Another process may have its number later (``started``, in ticks since the boot, tells them apart), and one in a
    container has its number there (``namespace``), although containers share the ``boot`` with their host.
    """

    host: str
    machine: str
    boot: str
    namespace: str
    pid: int
    started: int

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def parse(text: str) -> ProcessId | None:
        """What `str` made of one; None for anything else."""
        try:
            return ProcessId(**json.loads(text))
        except (ValueError, TypeError):
            return None


def this_process() -> ProcessId:
    """The process that asks."""
    _, started = state_and_start(os.getpid())
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    machine, boot = (_text(path) for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"))
    return ProcessId(socket.gethostname(), machine, boot, namespace, os.getpid(), started)


def state_and_start(pid: int) -> tuple[str, int]:
    """The letter of a process's state, and when it started; ("", 0) where that cannot be seen.

    Raises: ProcessLookupError if there is none of this number, be it another user's.
    """
    with suppress(PermissionError):  # it is another user's
        os.kill(pid, 0)
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (fields[0], int(fields[19])) if len(fields) > 19 else ("", 0)


def is_gone(
    process: ProcessId, observer: ProcessId, look: Callable[[int], tuple[str, int]] = state_and_start
) -> bool | None:
    """Whether a process has ended, as far as ``observer`` can know; None where it cannot.

    look: as `state_and_start`.
    """
    if not (process.boot and process.namespace and process.started):
        return None
    if process.namespace != observer.namespace:
        return None
    if process.boot == observer.boot:
        return _is_gone_here(process, look)
    same = process.machine and (process.host, process.machine) == (observer.host, observer.machine)
    return True if same and observer.boot and process.namespace == OUTSIDE else None  # the machine was restarted


def _is_gone_here(process: ProcessId, look: Callable[[int], tuple[str, int]]) -> bool | None:
    try:
        state, started = look(process.pid)
    except ProcessLookupError:
        return True
    if not state:
        return None
    return started != process.started or state in "ZX"  # its parent has not asked yet how it ended


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf8", errors="replace").strip()
    except OSError:
        return ""
