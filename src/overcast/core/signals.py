"""Ctrl-C and SIGTERM: held back while a record is written, and ending a process in order."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

SHORTLY = 0.05
"""Seconds, after which a callback is over."""


@contextlib.contextmanager
def ctrl_c_raises() -> Iterator[None]:
    """Inside the block, Ctrl-C is a KeyboardInterrupt, where it would else end this process without a word.

    One that comes in the middle of a callback, where Python shows exceptions and ignores them, comes once more.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = _interrupt_again
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _interrupt_again(ignored: sys.UnraisableHookArgs) -> None:
    if ignored.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(ignored)
        return
    threading.Timer(SHORTLY, os.kill, [os.getpid(), signal.SIGINT]).start()


@contextlib.contextmanager
def interruptions_kept() -> Iterator[None]:
    """An error that came while Ctrl-C or SIGTERM was ending the block, such as of a rollback, does not hide them.

    Raises: KeyboardInterrupt or SystemExit instead of an error that has one behind it.
    """
    try:
        yield
    except Exception as error:
        behind = error.__context__
        while behind is not None:
            if isinstance(behind, KeyboardInterrupt | SystemExit):
                raise behind from None
            behind = behind.__context__
        raise


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
