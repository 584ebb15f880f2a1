"""Points: two classes in the plane, in patterns that no straight line divides.

What: ``xor``: points in the four quadrants, where opposite ones are of one class (Minsky & Papert 1969, "Perceptrons":
one threshold unit cannot tell them apart); ``circles``: a disc in a ring; ``spirals``: two arms that wind around each
other (Lang & Witbrock 1988, "Learning to Tell Two Spirals Apart").
Expected: of xor one unit gets about half right, a hidden layer of four nearly all. Seconds a run.

    python pipelines/train.py data=points model=perceptron mitigation=none
    python pipelines/train.py data=points model=ann mitigation=none model.hidden=8 model.activation=tanh lr=0.03
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from overcast.data._drawn import DrawnSequences

CLASSES = ("blue", "orange")
TURNS = 1.25
"""How often an arm of the spirals winds around the middle."""


class Points(DrawnSequences):
    """``n_samples`` points in about [-1, 1]², a step of two features each; noise: standard deviation of their place.

    Sample i depends on (seed, i), pattern and noise alone, whatever their number.
    """

    raw_options: ClassVar[tuple[str, ...]] = ("n_samples", "pattern", "noise", "seed")
    features = 2

    def __init__(
        self,
        n_samples: Annotated[int, Field(ge=50, le=1_000_000)] = 400,
        pattern: Literal["xor", "circles", "spirals"] = "xor",
        noise: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.1,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.n_samples, self.pattern, self.noise, self.seed = n_samples, pattern, noise, seed

    def label(self, index: int) -> str:
        return CLASSES[index % 2]

    def draw(self, index: int) -> np.ndarray:
        """Sample ``index``: (1, 2) float32, horizontal and vertical."""
        rng = np.random.default_rng([self.seed, index])
        place = {"xor": _xor, "circles": _circles, "spirals": _spirals}[self.pattern](rng, index % 2)
        return (place + rng.normal(0, self.noise, 2)).astype(np.float32)[None]


def _xor(rng: np.random.Generator, which: int) -> np.ndarray:
    """In the quadrants where the signs are equal, or, of the other class, in those where they differ."""
    x, y = rng.uniform(0.1, 1, 2)
    sign = rng.choice([-1, 1])
    return np.array([sign * x, sign * y * (-1 if which else 1)])


def _circles(rng: np.random.Generator, which: int) -> np.ndarray:
    """In the disc of radius 0.4 or in the ring from 0.6 to 1, evenly over the area."""
    inner, outer = ((0, 0.4), (0.6, 1))[which]
    radius, angle = np.sqrt(rng.uniform(inner**2, outer**2)), rng.uniform(0, 2 * np.pi)
    return np.array([radius * np.cos(angle), radius * np.sin(angle)])


def _spirals(rng: np.random.Generator, which: int) -> np.ndarray:
    """On one arm, or on the same turned by half a circle."""
    along = rng.uniform(0.1, 1)
    angle = 2 * np.pi * TURNS * along + np.pi * which
    return np.array([along * np.cos(angle), along * np.sin(angle)])
