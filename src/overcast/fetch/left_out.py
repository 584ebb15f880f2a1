"""What a data set's source holds and `fetch` did not take, kept beside the raw files: pack's audit lists it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

LEFT_OUT = "left_out.json"
Line = tuple[str, str, str]
"""File, problem, detail: a line of the audit table."""


def keep_left_out(raw: Path, lines: Sequence[Line]) -> None:
    """Write them below ``raw``; nothing where there are none."""
    if lines:
        (raw / LEFT_OUT).write_text(json.dumps(lines, indent=1) + "\n", encoding="utf8")


def read_left_out(raw: Path) -> list[Line]:
    """What `keep_left_out` has written."""
    if not (raw / LEFT_OUT).exists():
        return []
    return [(file, problem, detail) for file, problem, detail in json.loads((raw / LEFT_OUT).read_text("utf8"))]
