"""A data set of the tests' own, as a user would write one, but without an option file: spectrograms."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from overcast.data import DataSet, Sample


class Chirps(DataSet):
    """Ragged spectrograms (T, 40) of 9 to 20 steps, three classes told apart by the band that is loudest."""

    kind = "spectrogram"

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        pass

    def samples(self, raw: Path) -> list[Sample]:
        return [Sample(str(i), "abc"[i % 3]) for i in range(60)]

    def read(self, path: Path) -> np.ndarray:
        i = int(path.name)
        x = np.random.default_rng(i).normal(0, 0.5, (9 + i % 12, 40)).astype(np.float32)
        x[3:6, 10 * (i % 3 + 1)] += 4
        return x
