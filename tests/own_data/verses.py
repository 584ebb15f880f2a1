"""A data set of the tests' own, as a user would write one, but without an option file: texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from overcast.data import DataSet, Sample


class Verses(DataSet):
    """Texts of 3 to 9 words, two classes told apart by the words they favour; no option file."""

    kind = "tokens"
    near_duplicates = False

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        pass

    def samples(self, raw: Path) -> list[Sample]:
        return [Sample(str(i), "ab"[i % 2]) for i in range(80)]

    def read(self, path: Path) -> np.ndarray:
        i = int(path.name)
        favoured = np.arange(10) // 5 == i % 2
        shares = np.where(favoured, 0.18, 0.02)
        return np.random.default_rng(i).choice([*"abcdefghij"], 3 + i % 7, p=shares)
