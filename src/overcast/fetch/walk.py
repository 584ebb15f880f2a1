"""Every file below a folder of anyone's, links followed, and why some of them are nothing to read."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

SYSTEM = {
    "@eadir", "#recycle", "@recycle", "$recycle.bin", "recycler", "system volume information", "lost+found",
    "__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r",
}  # fmt: skip
"""What systems put beside people's files, in lower case; what else they put there is hidden."""

LOOP = "a link to a folder that it lies in"


def walk(folder: Path, suffix: str = "", above: tuple[Path, ...] = ()) -> Iterator[tuple[Path, str]]:
    """Everything below ``folder`` in depth and sorted, and why it is no sample's file ("" for one that is)."""
    above = (*above, folder.resolve())
    for path in sorted(folder.iterdir()):
        problem = problem_of(path)
        if not problem and path.is_dir():
            if any(folder.is_relative_to(path.resolve()) for folder in above):
                yield path, LOOP
            else:
                yield from walk(path, suffix, above)
        elif not problem and not path.name.lower().endswith(suffix):
            yield path, f"of another kind than {suffix}"
        else:
            yield path, problem


def as_on_disk(path: Path) -> Path:
    """``path``, or the one that differs from it only in how its letters are written, as copies from a Mac do."""
    if path.exists() or path.parent == path:
        return path
    parent = as_on_disk(path.parent)
    alike = (other for other in (parent.iterdir() if parent.is_dir() else ()) if _composed(other) == _composed(path))
    return next(alike, path)


def _composed(path: Path) -> str:
    return unicodedata.normalize("NFC", path.name)


def problem_of(path: Path) -> str:
    """Why this is nothing of a person's to read; "" where it is."""
    if path.name.lower() in SYSTEM:
        return "made by a system, no data"
    if path.name.startswith("."):
        return "hidden"
    if not path.exists():
        return "a link to nothing"
    if path.is_symlink() and path.parent.resolve().is_relative_to(path.resolve()):
        return LOOP
    return "" if path.is_dir() or path.is_file() else "neither a file nor a folder"
