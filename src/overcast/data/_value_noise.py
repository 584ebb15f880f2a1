"""Random numbers and value noise for drawn pictures: the same on every machine, in whatever order they are drawn.

Each depends on a picture's key, a name and a place alone, as with a counter-based generator (Salmon et al., 2011).
Only operations that IEEE 754 rounds exactly are used (no exp, sin or pow), and sums over many numbers only where they
are exact.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]  # float32 throughout
Words = NDArray[np.uint64]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class ValueNoise:
    """Of a block of N pictures of ``size`` x ``size`` pixels; arrays are float32, for pictures (N, C, H, W)."""

    keys: Words  # (N,): one for each picture
    size: int

    def bits(self, name: str, places: Words) -> Words:
        """A random word for each place: places (N or 1, ...) to (N, ...)."""
        keys = _mix(self.keys ^ np.uint64(zlib.crc32(name.encode())))
        return _mix(keys.reshape(-1, *[1] * (places.ndim - 1)) + places * np.uint64(0x9E3779B97F4A7C15))

    def draw(self, name: str, *shape: int, low: float = 0.0, high: float = 1.0) -> Floats:
        """Uniform numbers: (N, *shape), by default (N, 1, 1, 1)."""
        shape = shape or (1, 1, 1)
        words = self.bits(name, np.arange(prod(shape), dtype=np.uint64).reshape(1, *shape))
        return (words >> 40).astype(np.float32) * ((high - low) / 2**24) + low

    def colour(self, name: str, one: Colour, other: Colour) -> Floats:
        """A colour somewhere between two: (N, 3, 1, 1)."""
        ends = np.array([one, other], dtype=np.float32).reshape(2, 1, 3, 1, 1)
        return blend(ends[0], ends[1], self.draw(name))

    def line(self, name: str, cells: int, look: str = "smooth") -> Floats:
        """Value noise along a line: (N, 1, 1, W) in 0..1."""
        ends = np.floor(self.draw(name, 1, 1, cells + 1) * 256) / 256
        return ends @ _weights(cells, self.size, look).T

    def plane(self, name: str, rows: int, columns: int, look: str = "smooth") -> Floats:
        """Value noise on a plane: (N, 1, H, W) in 0..1."""
        corners = np.floor(self.draw(name, 1, rows + 1, columns + 1) * 256) / 256
        return _weights(rows, self.size, look) @ corners @ _weights(columns, self.size, "smooth").T


def picture_keys(seed: int, indices: Sequence[int]) -> Words:
    """The key (N,) of each picture of a seed."""
    start = _mix(np.array([seed], dtype=np.uint64))
    return _mix(start + np.array(indices, dtype=np.uint64))


def blend(below: Floats, above: Floats | float, share: Floats | float) -> Floats:
    """From ``below``, where the share is 0, to ``above``, where it is 1."""
    return below + (above - below) * share


def clip(values: Floats) -> Floats:
    """Within 0..1."""
    return np.clip(values, 0.0, 1.0)


def _mix(words: Words) -> Words:
    """The finaliser of splitmix64 (Steele et al., 2014): each bit in changes about half of the bits out."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


@lru_cache(maxsize=64)
def _weights(cells: int, size: int, look: str) -> Floats:
    """How each of ``size`` points mixes the values at the ends of ``cells`` cells: (size, cells + 1).

    In steps of 1/256, as are the values: their products then sum exactly in float32, however BLAS adds them.
    """
    place = (np.arange(size) + 0.5) / size
    if look == "receding":  # cells shrink downwards, as clouds do towards the horizon
        place = place * (0.5 + 0.5 * place)
    cell = np.floor(place * cells).astype(int)
    step = place * cells - cell
    step = np.zeros(size) if look == "blocks" else np.round(step * step * (3 - 2 * step) * 256) / 256
    weights = np.zeros((size, cells + 1), dtype=np.float32)
    weights[np.arange(size), cell] = 1 - step
    weights[np.arange(size), cell + 1] = step
    return weights
