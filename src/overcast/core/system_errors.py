"""What the system refuses a program, room on a disk, a file or memory, as one message that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overcast.core.errors import UserError

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "alloc_failed", "insufficient memory")
"""How torch, its libraries and GPUs say it, in a plain RuntimeError."""

NO_MEMORY = (
    "Out of memory. Give a smaller batch_size or network (model.width, model.scale, model.hidden), run fewer at once "
    "(hydra.launcher.n_jobs, trainer.devices), or free some memory and run again."
)


def refusal(error: BaseException, place: str | Path = "") -> UserError | None:
    """What a user can do about an error of the system's; None for any other. place: what was being written or read."""
    if isinstance(error, MemoryError):
        return UserError(NO_MEMORY)
    if isinstance(error, RuntimeError):
        return UserError(NO_MEMORY) if any(words in str(error).lower() for words in OUT_OF_MEMORY) else None
    if not isinstance(error, OSError):
        return None
    where = error.filename or place
    if error.errno == errno.ENOMEM:
        return UserError(NO_MEMORY)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        disk = f"the disk of {place or where}" if place or where else "a disk"
        return UserError(f"No space left on {disk}: free some and run again.")
    what = f"{where} ({error.strerror})" if where else f"a file ({error.strerror})"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(f"Cannot read or write {what}: mend its permissions and run again.")
    if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return UserError(f"Cannot write {what}: something is in its way. Rename or remove that.")
    return None


@contextmanager
def refusals_told(place: str | Path = "") -> Iterator[None]:
    """Raises: UserError instead of an error that is a `refusal`."""
    try:
        yield
    except (OSError, MemoryError, RuntimeError) as error:
        if told := refusal(error, place):
            raise told from None
        raise
