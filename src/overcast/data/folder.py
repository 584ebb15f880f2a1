"""Anyone's pictures: a folder with one sub-folder a class, named as the class.

``python pipelines/download.py data=folder data.path=~/pictures/shells``
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np

from overcast.data import DataSet, Sample
from overcast.errors import UserError


class Folder(DataSet):
    """Options: path of the folder; size, the side of the packed pictures in pixels; channels, 3 or 1."""

    raw_options: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(self, path: str, size: int = 64, channels: int = 3) -> None:
        self.path = path
        self.size = size
        self.channels = channels

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        source = Path(self.path).expanduser().resolve()
        if not source.is_dir():
            raise UserError(f"data.path: there is no folder {source}: give one with a sub-folder a class.")
        if raw.resolve().is_relative_to(source):
            raise UserError(f"data.path: {source} holds overcast's own data: give a folder of pictures.")
        classes = sorted(path for path in source.iterdir() if path.is_dir() and not path.name.startswith("."))
        if len(classes) < 2:
            raise UserError(
                f"data.path: {source} has {len(classes)} sub-folder(s), but needs two: put the pictures "
                "of each class in a sub-folder named as the class."
            )
        for folder in classes:
            files = pictures_in(folder)
            if not files:
                raise UserError(f"data.path: {folder} is empty: put this class's pictures there, or remove it.")
            for file in files:
                target = raw / file.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)

    def samples(self, raw: Path) -> list[Sample]:
        folders = sorted(path for path in raw.iterdir() if path.is_dir())
        return [Sample(file.relative_to(raw).as_posix(), top.name) for top in folders for file in pictures_in(top)]

    def read(self, path: Path) -> np.ndarray:
        from overcast.prepare import pictures

        return pictures.read(path, self.size, self.channels)


def pictures_in(folder: Path) -> list[Path]:
    """Every file below ``folder``, in depth and sorted, but hidden ones and those in hidden folders."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if not any(name.startswith(".") for name in path.relative_to(folder).parts))
