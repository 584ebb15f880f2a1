"""Files and folders that are there whole or not at all, and one clear message for a full disk."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overcast.errors import UserError


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Raises UserError where the disk of ``place`` is full or may not be written to."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"No space left on the disk of {place}: free some and run again.") from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            what = f"{error.filename or place} ({error.strerror})"
            raise UserError(f"Cannot read or write {what}: mend its permissions and run again.") from None
        raise


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of ``folder`` only when the block ends well.

    Raises: UserError if the disk is full or may not be written to; what was there before is kept then.
    """
    part, old = (folder.with_name(folder.name + end) for end in (".part", ".old"))
    with writing(folder):
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            yield part
            shutil.rmtree(old, ignore_errors=True)
            if folder.exists():
                folder.rename(old)  # a folder cannot be renamed onto one that is not empty
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def whole_file(path: Path, content: str | bytes) -> None:
    """One file, replaced in one step. Raises: UserError as `whole_folder` does."""
    part = path.with_name(path.name + ".part")
    with writing(path.parent):
        try:
            if isinstance(content, str):
                content = content.encode("utf8", "surrogateescape")
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
