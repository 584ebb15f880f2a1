"""A lock on a folder for as long as its process lives: who holds it is alive, whatever the records say."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from overcast.core.errors import UserError

LOCK = ".lock"

WAITS = (0.0, 0.02, 0.1)
"""Seconds before each try: who asks whether a folder is locked has its lock for a moment."""


@contextmanager
def try_lock(folder: Path) -> Iterator[None]:
    """Have the lock inside the block. Raises: UserError if another process has it."""
    file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not any(_try_lock(file, wait) for wait in WAITS):
            raise UserError(f"another process is at work in {folder}: wait for it, or stop it first")
        yield
    finally:
        os.close(file)


def _try_lock(file: int, wait: float = 0) -> bool:
    """Whether an open file's lock could be had, after some seconds: then this process has it until it closes it."""
    time.sleep(wait)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Have the lock inside the block, after waiting for whoever has it."""
    with lock_file(folder / LOCK):
        yield


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """As `lock`, for what is no folder: by a file of its own, which stays."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


@contextmanager
def lock_first(folders: Sequence[Path]) -> Iterator[int]:
    """Have the lock of the first of these folders that is free, after waiting for one; gives its number.

    Folders that are not there are made.
    """
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    while True:
        for number, folder in enumerate(folders):
            file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if _try_lock(file):
                    yield number
                    return
            finally:
                os.close(file)
        time.sleep(0.1)


def is_locked(folder: Path) -> bool:
    """Whether a living process holds this folder."""
    try:
        file = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_lock(file)
    finally:
        os.close(file)
