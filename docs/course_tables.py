"""The course's result tables: docs/tables/*.json, each with how it was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TABLES = Path(__file__).with_name("tables")


def read_tables() -> dict[str, Any]:
    """Every table by its name; ``about`` in each holds command, commit, machine and seconds."""
    return {path.stem: json.loads(path.read_text(encoding="utf8")) for path in sorted(TABLES.glob("*.json"))}


def write_table(name: str, table: dict[str, Any]) -> None:
    """Write one, short numbers and a line a row, so that its diff can be read."""
    text = json.dumps(_rounded(table), indent=1, ensure_ascii=False)
    (TABLES / f"{name}.json").write_text(text + "\n", encoding="utf8")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):  # numpy's, too
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
