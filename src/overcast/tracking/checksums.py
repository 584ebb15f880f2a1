"""Are a run's files what training wrote? Hashes that catch damage and edits; whoever forges them too is not caught."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from overcast.core.errors import DamagedError

CHECKSUM = "checksum"
"""Of a run's facts: the hash of all others."""


def file_hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each of these files of the folder that can be read."""
    hashes = {}
    for name in names:
        with suppress(OSError):
            hashes[name] = _sha256((folder / name).read_bytes())
    return hashes


def with_checksum(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, with the `CHECKSUM` of the others among them."""
    others = {name: value for name, value in facts.items() if name != CHECKSUM}
    return {**others, CHECKSUM: _sha256(json.dumps(others, sort_keys=True).encode())}


def check_files(folder: Path, facts: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raises: DamagedError if the facts, or one of these files of the run in ``folder``, are not as they were written.

    facts: run.json as it was read, with the hashes of the files as ``files``.
    """
    if with_checksum(facts)[CHECKSUM] != facts.get(CHECKSUM):
        raise damaged(folder, "run.json")
    written, found = facts.get("files", {}), file_hashes(folder, names)
    if changed := [name for name in names if name not in found or found[name] != written.get(name)]:
        raise damaged(folder, *changed)


def check_content(folder: Path, name: str, content: bytes, written: str) -> None:
    """Raises: DamagedError if this ``content`` of one of a run's files has not the hash that was ``written``."""
    if _sha256(content) != written:
        raise damaged(folder, name)


def damaged(folder: Path, *names: str) -> DamagedError:
    """That these files of the run in ``folder`` are not as training wrote them."""
    return DamagedError(
        f"the run in {folder} was changed or damaged since it was trained ({', '.join(names)}): bring its files back "
        "(`dvc checkout`, where DVC keeps them), or train it again, as a study's own command does"
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
