"""What is found from a pack once and kept beside it, for every process and command that asks again.

``<data set's folder>/<kind>/<name>-<fingerprint of the pack><suffix>``. A file is always whole; of several processes
that find the same at once, each writes the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from overcast.core.atomic import whole_file, writing
from overcast.prepare.pack import Pack


def derived_path(folder: Path, kind: str, name: str, pack: Pack, suffix: str) -> Path:
    """Where it is kept. folder: the data set's. name: what it depends on, beside the pack."""
    return folder / kind / f"{name}-{pack.info['fingerprint'][:16]}{suffix}"


def digest(*parts: np.ndarray | str) -> str:
    """A name for what depends on these rows, parts or settings."""
    found = hashlib.sha256()
    for part in parts:
        found.update(repr(part).encode() if isinstance(part, str) else part.tobytes())
    return found.hexdigest()[:16]


def keep(path: Path, content: str | bytes) -> None:
    """Write it, in place of what was found from packs that are no more.

    Raises: UserError if it cannot be written there.
    """
    with writing(path.parent):
        path.parent.mkdir(exist_ok=True)
        for old in path.parent.glob(f"*{path.suffix}"):
            if old.stem.rpartition("-")[2] != path.stem.rpartition("-")[2]:
                old.unlink(missing_ok=True)
    whole_file(path, content)
