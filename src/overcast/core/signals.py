"""Ctrl-C and SIGTERM: held back while a record is written, and ending a process in order."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator


def ctrl_c_raises() -> None:
    """Let Ctrl-C be a KeyboardInterrupt from here on, if it would end this process without a word so far."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def ctrl_c_kept_from_children() -> Iterator[None]:
    """Inside the block, start processes that never see Ctrl-C: a terminal sends it to all, and this one ends them.

    A process inherits what is blocked, so that holds while it starts, too.
    """
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@contextlib.contextmanager
def signals_deferred() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back: one in the middle of a commit would leave the database locked."""
    if threading.current_thread() is not threading.main_thread():  # only that one handles signals
        yield
        return
    caught: list[int] = []
    before = {n: signal.signal(n, lambda number, _: caught.append(number)) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        for late in caught[:1]:
            signal.raise_signal(late)


@contextlib.contextmanager
def sigterm_exits() -> Iterator[None]:
    """Let SIGTERM end this process in order, with exit code 143."""
    try:
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    except ValueError:  # not in the main thread: whoever owns that one decides
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
