"""A folder of anyone's files, with one sub-folder a class, named as the class."""

from __future__ import annotations

import shutil
from pathlib import Path

from overcast.core.errors import UserError


def copy_classes(path: str, raw: Path, what: str, suffix: str = "") -> None:
    """Copies every file (of this suffix) of each class below ``path`` to the same place below ``raw``.

    what: the files in words, as in "pictures".

    Raises: UserError if there is no such folder, it has fewer than two classes, a class has no file, or it
    holds overcast's own data.
    """
    source = Path(path).expanduser().resolve()
    if not source.is_dir():
        raise UserError(f"data.path: there is no folder {source}: give one with a sub-folder a class.")
    if raw.resolve().is_relative_to(source):
        raise UserError(f"data.path: {source} holds overcast's own data: give a folder of {what}.")
    classes = class_folders(source)
    if len(classes) < 2:
        raise UserError(
            f"data.path: {source} has {len(classes)} sub-folder(s), but needs two: put the {what} "
            "of each class in a sub-folder named as the class."
        )
    for folder in classes:
        files = files_in(folder, suffix)
        if not files:
            lack = f"has no {suffix} file" if suffix else "is empty"
            raise UserError(f"data.path: {folder} {lack}: put this class's {what} there, or remove it.")
        for file in files:
            target = raw / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def class_folders(folder: Path) -> list[Path]:
    """The sub-folders that are not hidden, sorted: one a class."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def files_of_classes(raw: Path, suffix: str = "") -> list[tuple[Path, str]]:
    """Every file (of this suffix) below each class's folder, sorted, with its class."""
    return [(file, folder.name) for folder in class_folders(raw) for file in files_in(folder, suffix)]


def files_in(folder: Path, suffix: str = "") -> list[Path]:
    """Every file (of this suffix) below ``folder``, in depth and sorted, but what is hidden or in a hidden folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name.lower().endswith(suffix))
    return sorted(path for path in files if not any(name.startswith(".") for name in path.relative_to(folder).parts))
