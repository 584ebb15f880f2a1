"""A lock on a folder for as long as its process lives: who holds it is alive, whatever the records say."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overcast.errors import UserError

LOCK = ".lock"


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Have the lock inside the block. Raises: UserError if another process has it."""
    file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise UserError(f"another process is at work in {folder}: wait for it, or stop it first") from None
    try:
        yield
    finally:
        os.close(file)


def held(folder: Path) -> bool:
    """Whether a living process holds this folder."""
    try:
        file = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
