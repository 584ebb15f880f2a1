"""YAML files as plain values: text, numbers, lists and mappings, whatever tags they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from overcast.core.errors import UserError
from overcast.core.paths import ROOT

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast, and a comparison of many runs reads many configs."""


def read_yaml(path: Path) -> Any:
    """What a YAML file holds. Raises: UserError if it cannot be read, or asks for a Python object."""
    try:
        return yaml.load(path.read_bytes(), LOADER)
    except (OSError, ValueError, yaml.YAMLError) as error:
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        raise UserError(f"{shown} cannot be read: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """In one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())
