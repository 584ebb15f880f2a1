"""Recall: synthetic sequences whose class is told by the first step alone; all that follows is noise.

What: the task on which it was shown that plain recurrent networks forget (Bengio, Simard & Frasconi, "Learning
long-term dependencies with gradient descent is difficult", 1994; Hochreiter & Schmidhuber, "Long short-term
memory", 1997). The longer the sequence, the longer the network must remember.
Expected: see the study of memory. Cost: nothing to speak of.

Every sequence depends on (seed, index) alone.

    python pipelines/train.py data=recall data.length=100 model=lstm
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from overcast.data import DataSet, Sample
from overcast.errors import UserError

FILE = "sequences.npy"


class Recall(DataSet):
    """``number`` sequences of ``length`` steps over ``classes`` classes, in as many features.

    The first step is 1 in the feature of its class; ``noise`` is the standard deviation of what is added to
    everything.
    """

    kind = "sequence"
    synthetic: ClassVar[bool] = True
    raw_options: ClassVar[tuple[str, ...]] = ("number", "length", "classes", "noise", "seed")

    def __init__(
        self,
        number: Annotated[int, Field(ge=50, le=1_000_000)] = 2000,
        length: Annotated[int, Field(ge=2, le=10_000)] = 50,
        classes: Annotated[int, Field(ge=2, le=100)] = 4,
        noise: Annotated[float, Field(ge=0, le=1)] = 0.2,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.number, self.length, self.classes, self.noise, self.seed = number, length, classes, noise, seed

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        np.save(raw / FILE, np.stack([self.sequence(index) for index in range(self.number)]))

    def sequence(self, index: int) -> np.ndarray:
        """The sequence of this index: (length, classes) float32."""
        drawn = np.random.default_rng([self.seed, index]).normal(0.0, self.noise, (self.length, self.classes))
        drawn[0, index % self.classes] += 1
        return drawn.astype(np.float32)

    def samples(self, raw: Path) -> list[Sample]:
        digits = len(str(self.number - 1))
        return [Sample(f"{i:0{digits}d}", f"class {i % self.classes}") for i in range(self.number)]

    def load(self, raw: Path, sample: Sample) -> np.ndarray:
        stored: np.ndarray = np.load(raw / FILE, mmap_mode="r")
        return np.asarray(stored[int(sample.file)])

    def read(self, path: Path) -> np.ndarray:
        """A .npy file with one sequence (T, F)."""
        try:
            found: np.ndarray = np.load(path)
        except (OSError, ValueError, EOFError):
            raise UserError("not a .npy file") from None
        if found.ndim != 2 or found.shape[1] != self.classes or not len(found):
            raise UserError(f"its shape is {found.shape}, not (steps, {self.classes})")
        return np.asarray(found, np.float32)
