"""Files and folders that are there whole or not at all.

What is being written stands beside its place under a name of its writer's own, `.<name>.overcast-<16 digits>.part`,
so that writers disturb neither each other nor anyone else's files. It is locked while its writer lives: one that is not
locked was left by a writer that was killed, and the next one removes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from overcast.core.locks import _try_lock
from overcast.core.system_errors import refusals_told

OURS = ".overcast-"
"""In the name of whatever is being written, and of what a killed writer leaves."""


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Raises UserError where the disk of ``place`` is full or may not be written to."""
    with refusals_told(_final(place)):
        try:
            yield
        except OSError as error:
            if isinstance(error.filename, str):
                error.filename = str(_final(Path(error.filename)))
            raise


def _final(path: Path) -> Path:
    """Where what is written to ``path`` will lie."""
    name, ours, _ = path.name.partition(OURS)
    return path.with_name(name.removeprefix(".")) if ours else path


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of ``folder`` only when the block ends well.

    Raises: UserError if the disk is full or may not be written to; what was there before is kept then.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _part(folder, Path.mkdir) as part:
            yield part
            _replace(part, folder)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """An empty file to write, which takes the place of ``path`` only when the block ends well.

    Raises: UserError as `whole_folder` does.
    """
    with writing(path.parent), _part(path, Path.touch) as part:
        yield part
        part.replace(path)


def whole_file(path: Path, content: str | bytes) -> None:
    """One file, replaced in one step. Raises: UserError as `whole_folder` does."""
    with new_file(path) as part:
        part.write_bytes(content.encode("utf8", "surrogateescape") if isinstance(content, str) else content)


@contextmanager
def _part(path: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """A new file or folder beside ``path``, locked, and removed in the end where it is still there."""
    _remove_left(path)
    part, lock = _locked_part(path, make)
    try:
        yield part
    finally:
        _remove(part)
        os.close(lock)


def _locked_part(path: Path, make: Callable[[Path], None]) -> tuple[Path, int]:
    while True:
        part = path.with_name(f".{path.name}{OURS}{secrets.token_hex(8)}.part")
        make(part)
        with suppress(FileNotFoundError):
            lock = os.open(part, os.O_RDONLY)
            with suppress(OSError):  # some network disks lock no folders; nothing is removed on them either
                fcntl.flock(lock, fcntl.LOCK_EX)
            if part.exists():
                return part, lock
            os.close(lock)  # removed in the moment before it was locked


def _replace(part: Path, folder: Path) -> None:
    """``part`` in the place of ``folder``, whatever is or comes there: no folder can be renamed onto a full one."""
    old = part.with_suffix(".old")
    while True:
        try:
            part.rename(folder)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) and not folder.is_symlink():
                if old.exists():
                    old.rename(folder)
                raise
        _remove(old)
        with suppress(FileNotFoundError):  # another writer has just moved it
            folder.rename(old)
    _remove(old)


def _remove_left(path: Path) -> None:
    """Remove what killed writers of ``path`` left, and put back a folder that one had only just moved away."""
    ours = escape(f".{path.name}{OURS}")
    for part in path.parent.glob(f"{ours}*.part"):
        with suppress(OSError):
            lock = os.open(part, os.O_RDONLY)
            try:
                if _try_lock(lock):
                    _remove(part)
            finally:
                os.close(lock)
    for old in path.parent.glob(f"{ours}*.old"):
        if not old.with_suffix(".part").exists():
            with suppress(OSError):
                _remove(old) if path.exists() else old.rename(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
