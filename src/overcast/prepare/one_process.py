"""One process at a time makes a data set ready: what reads its raw files meets none that are just being replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overcast.core.atomic import writing
from overcast.core.console import show
from overcast.core.locks import is_locked, lock


@contextmanager
def one_process_at_once(folder: Path) -> Iterator[None]:
    """Have the lock of a data set's folder, which is made where it is not there, after waiting for whoever has it."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if is_locked(folder):
        show(f"preparing {folder.name}: waiting for another process that is at it", flush=True)
    with lock(folder):
        yield
