"""SHA-256 of files, and of facts that carry the hash of all others: what was changed since it was written is seen.

They catch damage, not malice: whoever changes a file on purpose can change its hash too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from overcast.core.atomic import whole_file
from overcast.core.errors import UserError

CHECKSUM = "checksum"
"""Of facts: the hash of all others."""


def sha256(content: bytes) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


LARGE = 2**28
"""Bytes of a file that is read once for all processes: hashing takes a second for 1.7 GB of it."""


def file_hash(path: Path) -> str:
    """SHA-256 of a file of any size; a process that asks again about the same file reads it once.

    The same: of the same size and time of change, which damage in the midst of a process does not always touch. Of a
    `LARGE` file a note beside its folder tells other processes; with the time of its last change in the file system,
    which none but the system sets.
    """
    state = path.stat()
    return _file_hash(path.absolute(), state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


@lru_cache(maxsize=64)
def _file_hash(path: Path, *state: int) -> str:
    note = path.parent.with_name(f".{path.parent.name}-{path.name}.sha256")
    large = path.stat().st_size >= LARGE
    if large:
        with suppress(OSError, ValueError, LookupError, TypeError):
            known = json.loads(note.read_bytes())
            if is_unchanged(known) and known["state"] == [*state]:
                return str(known["hash"])
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if large:
        with suppress(OSError, UserError):  # a folder that is only read
            whole_file(note, json.dumps(with_checksum({"state": [*state], "hash": found})))
    return found


def file_hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each of these small files of the folder that can be read."""
    hashes = {}
    for name in names:
        with suppress(OSError):
            hashes[name] = sha256((folder / name).read_bytes())
    return hashes


def with_checksum(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, which JSON can hold, with the `CHECKSUM` of the others among them."""
    others = {name: value for name, value in facts.items() if name != CHECKSUM}
    return {**others, CHECKSUM: sha256(json.dumps(others, sort_keys=True).encode())}


def is_unchanged(facts: Mapping[str, Any]) -> bool:
    """Whether facts that were read are those that were written; also where an earlier version wrote no `CHECKSUM`."""
    return CHECKSUM not in facts or with_checksum(facts)[CHECKSUM] == facts[CHECKSUM]
