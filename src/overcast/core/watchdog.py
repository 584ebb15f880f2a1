"""A process that was started for another one's sake shall not outlive it, not even where that dies by SIGKILL."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@cache  # asked again, it watches already
def exit_with(parent: int) -> None:
    """End this process, with exit code 1, when ``parent`` is gone: the process that started it."""
    _watch(parent, threading.Event())


@contextmanager
def exiting_with(parent: int) -> Iterator[None]:
    """The same inside the block alone: no thread is left after it."""
    done = threading.Event()
    thread = _watch(parent, done)
    yield
    done.set()
    thread.join()


def _watch(parent: int, done: threading.Event) -> threading.Thread:
    def watch() -> None:
        while os.getppid() == parent:
            if done.wait(0.5):
                return
        os._exit(1)

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    return thread
