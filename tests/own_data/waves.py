"""A data set of the tests' own, as a user would write one, but without an option file: sequences."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from overcast.data import DataSet, Sample


class Waves(DataSet):
    """Ragged sequences (T, 2) of 4 to 12 steps, three classes told apart by their mean; no option file."""

    kind = "sequence"

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        pass

    def samples(self, raw: Path) -> list[Sample]:
        return [Sample(str(i), "abc"[i % 3]) for i in range(75)]

    def read(self, path: Path) -> np.ndarray:
        i = int(path.name)
        rng = np.random.default_rng(i)
        return rng.normal(i % 3, 0.5, (4 + i % 9, 2)).astype(np.float32)
