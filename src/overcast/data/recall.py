"""Recall: synthetic sequences whose class is told by the first steps, and must be kept over noise to the end.

What: the latching task of Bengio, Simard & Frasconi (1994), "Learning Long-Term Dependencies with Gradient Descent
is Difficult"; with several classes and noise in between as in Hochreiter & Schmidhuber (1997). In the first three
steps the feature of the class is 1; the last feature is 1 at the last step: now tell. All else is noise.
A network that may look at every step at once has no trouble, so ask those that only read to the end.
Expected with 32 units, 8 epochs and lr=0.01: at length 10 both kinds are right every time after an epoch; at 100
the LSTM is after three, and the RNN no better than chance. Seconds a run.

    python pipelines/train.py data=recall model=lstm model.pool=last model.bidirectional=false
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from overcast.data._drawn import DrawnSequences

CUE = 3
"""How many steps tell the class."""


class Recall(DrawnSequences):
    """``n_samples`` sequences of ``length`` steps, in ``classes`` classes; noise: its standard deviation.

    Sample i depends on (seed, i), classes, length and noise alone, whatever their number.
    """

    raw_options: ClassVar[tuple[str, ...]] = ("n_samples", "length", "classes", "noise", "seed")

    def __init__(
        self,
        n_samples: Annotated[int, Field(ge=50, le=1_000_000)] = 2000,
        length: Annotated[int, Field(gt=CUE, le=10_000)] = 50,
        classes: Annotated[int, Field(ge=2, le=20)] = 4,
        noise: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.2,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.n_samples, self.length, self.classes, self.noise, self.seed = n_samples, length, classes, noise, seed
        self.features = classes + 1

    def label(self, index: int) -> str:
        """The class of a sample, as text of equal length, so that order by name is order by number."""
        return f"{index % self.classes:02d}"

    def draw(self, index: int) -> np.ndarray:
        """Sample ``index``: (length, classes + 1) float32."""
        x = np.random.default_rng([self.seed, index]).normal(0, self.noise, (self.length, self.classes + 1))
        x[:CUE, index % self.classes] += 1
        x[-1, -1] += 1
        return x.astype(np.float32)
