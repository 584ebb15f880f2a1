"""What synthetic sequences share: each sample is drawn from its number and kept in a file of its own."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np

from overcast.core.errors import UserError
from overcast.core.spec import Kind
from overcast.data import DataSet, Sample


class DrawnSequences(DataSet):
    """``n_samples`` sequences (T, F) float32; a subclass draws each from its options and number alone."""

    kind: ClassVar[Kind] = "sequence"
    synthetic: ClassVar[bool] = True
    near_duplicates: ClassVar[bool] = False
    n_samples: int
    features: int
    """How many numbers there are at each step."""

    @abstractmethod
    def label(self, index: int) -> str:
        """The class of sample ``index``."""

    @abstractmethod
    def draw(self, index: int) -> np.ndarray:
        """Sample ``index``: (T, F) float32."""

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        for index in range(self.n_samples):
            file = raw / self.label(index) / f"{index:06d}.npy"
            file.parent.mkdir(exist_ok=True)
            np.save(file, self.draw(index))

    def samples(self, raw: Path) -> list[Sample]:
        return [Sample(f"{path.parent.name}/{path.name}", path.parent.name) for path in sorted(raw.glob("*/*.npy"))]

    def read(self, path: Path) -> np.ndarray:
        try:
            x = np.asarray(np.load(path, allow_pickle=False), np.float32)
        except (ValueError, EOFError):
            raise UserError("no array of numbers as .npy files hold them") from None
        if x.ndim != 2 or not len(x) or x.shape[1] != self.features:
            raise UserError(f"an array of {x.shape}, not of steps by {self.features} features")
        return x
