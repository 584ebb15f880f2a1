"""A process that was started for another one's sake shall not outlive it, not even where that dies by SIGKILL."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

LAST_WORD = 5.0
"""Seconds that a process has for what it does before it ends."""


def _nothing() -> None:
    pass


@cache  # asked again, it watches already
def exit_with(parent: int, last_word: Callable[[], None] = _nothing) -> None:
    """End this process, with exit code 1, when ``parent`` is gone: the process that started it.

    last_word: done before that, in a thread of its own, for `LAST_WORD` seconds at most.
    """
    _watch(lambda: os.getppid() == parent, threading.Event(), last_word)


@cache
def exit_with_parent_process() -> None:
    """The same for the process that started this one by multiprocessing, be it by way of a fork server.

    Asked right after the fork, when that process is not known yet, it waits until it is.
    """

    def is_alive() -> bool:
        parent = multiprocessing.parent_process()
        return parent is None or parent.is_alive()

    _watch(is_alive, threading.Event())


@contextmanager
def exiting_with(parent: int) -> Iterator[None]:
    """As `exit_with`, inside the block alone: no thread is left after it."""
    done = threading.Event()
    thread = _watch(lambda: os.getppid() == parent, done)
    yield
    done.set()
    thread.join()


def _watch(
    is_alive: Callable[[], bool], done: threading.Event, last_word: Callable[[], None] = _nothing
) -> threading.Thread:
    def watch() -> None:
        while is_alive():
            if done.wait(0.5):
                return
        saying = threading.Thread(target=last_word, daemon=True)
        saying.start()
        saying.join(LAST_WORD)
        os._exit(1)

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    return thread
