"""Files checked one by one against a list of their SHA-256 hashes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from overcast.core.errors import UserError

VERIFIED = "verification.json"


def read_manifest(manifest: Path) -> dict[str, str]:
    """Relative path → SHA-256, from a file in the format of sha256sum."""
    lines = (line.split(maxsplit=1) for line in manifest.read_text(encoding="utf8").splitlines())
    return {name.removeprefix("*"): digest for digest, name in lines}


def verify(raw: Path, manifest: Path) -> dict[str, list[str]]:
    """Checks each file below ``raw``; returns the "unlisted" and "missing" ones, kept for pack's audit too.

    Raises: UserError naming the files whose content is not what the manifest says.
    """
    known = read_manifest(manifest)
    files = sorted(path.relative_to(raw).as_posix() for path in raw.rglob("*") if path.is_file())
    wrong = [name for name in files if name in known and _sha256(raw / name) != known[name]]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise UserError(
            f"{len(wrong)} file(s) are not what they should be: {', '.join(wrong[:3])}{more}. "
            "The archive is damaged or was changed: get it again from its public source and run again."
        )
    result = {"unlisted": [f for f in files if f not in known], "missing": sorted(known.keys() - set(files))}
    (raw / VERIFIED).write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    return result


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
