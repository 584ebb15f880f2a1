"""Which folders hold what DVC keeps: nothing in them is removed behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from overcast.core.paths import ROOT, project_home
from overcast.core.yaml_file import read_yaml


def dvc_outs() -> set[Path]:
    """The outs of all stages, as dvc.yaml and dvc.lock have them, and of the ``.dvc`` files below ``runs/``."""
    outs: set[Path] = set()
    for home in {ROOT, project_home()}:
        files = [home / "dvc.yaml", home / "dvc.lock", home / "runs.dvc", *(home / "runs").glob("**/*.dvc")]
        outs |= {(file.parent / out).resolve() for file in files if file.is_file() for out in _outs(read_yaml(file))}
    return outs


def holds_an_out(folder: Path, outs: set[Path]) -> bool:
    """Whether one of these outs lies in the folder, or the folder in one."""
    place = folder.resolve()
    return any(out.is_relative_to(place) for out in outs) or any(place.is_relative_to(out) for out in outs)


def _outs(content: Any) -> Iterator[str]:
    """The paths of the outs in one of DVC's files, wherever they stand: a path, or a mapping that begins with one."""
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        if key == "outs" and isinstance(value, list):
            for out in value:
                yield str(out.get("path") or next(iter(out), "")) if isinstance(out, dict) else str(out)
        else:
            yield from _outs(value)
