"""What a command and all processes that it starts take: seconds, CPU time, and memory at their peak (Linux)."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from overcast.core.errors import UserError

EVERY = 0.05
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Usage:
    """seconds of the clock; CPU seconds; bytes at the peak.

    memory: what the processes hold, anonymous and shared. resident: that, and the pages of files that are mapped, which
    the system takes back where it needs them.
    """

    seconds: float
    cpu: float
    memory: int
    resident: int


def measured(command: list[str], folder: Path, environment: dict[str, str]) -> Usage:
    """Runs the command in the folder. Raises: UserError with what it said if it fails."""
    began, peak, over = time.perf_counter(), [0, 0], threading.Event()
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT)

        def watch() -> None:
            while not over.wait(EVERY):
                held = [_memory(pid) for pid in (process.pid, *_descendants(process.pid))]
                peak[:] = [max(most, sum(now)) for most, now in zip(peak, zip(*held, strict=True), strict=True)]

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        finally:
            over.set()
            watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise UserError(f"{' '.join(command)} failed:\n{said.read()}")
    return Usage(time.perf_counter() - began, used.ru_utime + used.ru_stime, *peak)


def _memory(pid: int) -> tuple[int, int]:
    """Bytes that a process holds, and with the files that it has mapped; none where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    kilobytes = {
        name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines) if "Rss" in name
    }
    held = kilobytes.get("RssAnon", 0) + kilobytes.get("RssShmem", 0)
    return held * 1024, (held + kilobytes.get("RssFile", 0)) * 1024


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            yield child
            yield from _descendants(child)
