"""Anyone's pictures: a folder with one sub-folder a class, named as the class.

``python pipelines/download.py data=folder data.path=/shells``
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from overcast.core.errors import UserError
from overcast.data import DataSet, Name, Sample, _folders
from overcast.readers import images


class Folder(DataSet):
    """Options: path of the folder; size, the side of the packed pictures in pixels; channels, 3 or 1; range, the
    numbers that are black and white in pictures of more than 8 bits (none: 0 and 65535, or 1 of floating-point ones).
    """

    raw_options: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self, path: Name, size: images.Size = 64, channels: images.Channels = 3, range: images.Range | None = None
    ) -> None:
        self.path = path
        self.size = size
        self.channels = channels
        if range is not None and not range[0] < range[1]:
            raise UserError(f"data.range={list(range)}: the first, which is black, has to be below the second")
        self.range = range

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        _folders.copy_classes(self.path, raw, "pictures")

    def samples(self, raw: Path) -> list[Sample]:
        return _folders.class_samples(raw)

    def read(self, path: Path) -> np.ndarray:
        return images.read_image(path, self.size, self.channels, self.range)
