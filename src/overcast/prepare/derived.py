"""What is found from a pack once and kept beside it, for every process and command that asks again.

``<data set's folder>/<kind>/<name>-<fingerprint of the pack><suffix>``. A file is always whole; of several processes
that find the same at once, each writes the same. Its last 64 bytes are the SHA-256 of the others: one that was emptied,
cut or changed in any byte is found anew, which is said. That takes reading all of it, once a process (1.7 GB a second),
before a large array is mapped into memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from overcast.core.atomic import whole_file, writing
from overcast.core.console import warn
from overcast.core.hashes import sha256
from overcast.prepare.pack import Pack

SEAL = 64
"""Bytes at a file's end: the hash of the others, in hexadecimal digits."""


def derived_path(folder: Path, kind: str, name: str, pack: Pack, suffix: str) -> Path:
    """Where it is kept. folder: the data set's. name: what it depends on, beside the pack."""
    return folder / kind / f"{name}-{pack.info['fingerprint'][:16]}{suffix}"


def digest(*parts: np.ndarray | str) -> str:
    """A name for what depends on these rows, parts or settings."""
    found = hashlib.sha256()
    for part in parts:
        found.update(repr(part).encode() if isinstance(part, str) else part.tobytes())
    return found.hexdigest()[:16]


def derive(path: Path, find: Callable[[], bytes]) -> bytes:
    """What is kept at ``path``, or else what ``find`` gives, which is kept from then on.

    Raises: UserError if it cannot be kept there.
    """
    if not is_kept(path):
        keep(path, find())
    return path.read_bytes()[:-SEAL]


def is_kept(path: Path) -> bool:
    """Whether a file is there, as `keep` wrote it."""
    try:
        state = path.stat()
        return _is_sealed(path.absolute(), state.st_ino, state.st_size, state.st_mtime_ns)
    except (OSError, ValueError):  # none, or an empty one
        return False


@lru_cache(maxsize=64)
def _is_sealed(path: Path, *_state: int) -> bool:
    content = np.memmap(path, np.uint8, "r")
    return hashlib.sha256(content[:-SEAL].data).hexdigest().encode() == content[-SEAL:].tobytes()


def keep(path: Path, content: bytes) -> None:
    """Write it, in place of what was found from packs that are no more, and of one that is damaged.

    Raises: UserError if it cannot be written there.
    """
    if path.exists() and not is_kept(path):
        warn(f"{path} was damaged, or is of another version: found anew")
    with writing(path.parent):
        path.parent.mkdir(exist_ok=True)
        for old in path.parent.glob(f"*{path.suffix}"):
            if old.stem.rpartition("-")[2] != path.stem.rpartition("-")[2]:
                old.unlink(missing_ok=True)
    whole_file(path, content + sha256(content).encode())
