"""Every pair of 64-bit hashes that differ by few bits, without comparing all with all.

The bits are cut into bands. Two hashes that differ by at most R bits differ in some band by at most its own radius, if
these radii and the number of bands add up to R + 1: else each would differ by one bit more, R + 1 in all (pigeonhole;
Norouzi et al. 2012, with unequal radii Qin et al. 2018). So a hash is compared with those only whose key in some band,
the bits there, is as near as that. What it finds is exactly what comparing all with all finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

HASH_BITS = 64
BANDS = 4  # of 16 bits: of fewer, most keys are of one hash; of more, as many are near that there is less to leave out
FEW = 200_000  # hashes, below which comparing all with all is faster
ROWS, COLUMNS = 16, 8192  # hashes compared at once: threads seldom wait for each other, and caches hold it
SPAN = 1024  # hashes of one task


@dataclass(frozen=True)
class Band:
    """Bits ``low`` to ``low + width`` of a hash, in which two may differ by ``radius``."""

    low: int
    width: int
    radius: int

    def keys(self, hashes: np.ndarray) -> np.ndarray:
        """The bits (N,) of each hash."""
        mask = np.uint64((1 << self.width) - 1)
        return ((hashes >> np.uint64(self.low)) & mask).astype(np.int64)

    @cached_property
    def changes(self) -> np.ndarray:
        """What a key may be XORed with: all numbers of this width with at most ``radius`` bits."""
        return np.flatnonzero(np.bitwise_count(np.arange(1 << self.width)) <= self.radius)


ALL_WITH_ALL = Band(0, 0, 0)
"""A band of no bits, in which all hashes have one key."""


def bands(bits: int) -> list[Band]:
    """Of equal width, with radii for hashes that differ by at most ``bits``; the last ones have the larger radii.

    The lowest frequencies are what pictures have most in common: the more so, the smaller the radius should be there.
    """
    width = HASH_BITS // BANDS
    return [Band(k * width, width, (bits + 1 - BANDS + k) // BANDS) for k in range(BANDS)]


class CloseHashes:
    """The search for rows i < j of which hashes ``a[i]`` and ``b[j]`` (N,) uint64 differ by at most ``bits``.

    It comes as tasks that any threads may do in any order; each pair is found by one of them.
    """

    def __init__(self, a: np.ndarray, b: np.ndarray, bits: int) -> None:
        self.bits, self.symmetric = bits, b is a
        self.bands = [ALL_WITH_ALL] if len(a) < FEW else bands(bits)
        self.ours = [_Sorted(a, band) for band in self.bands]
        self.theirs = self.ours if self.symmetric else [_Sorted(b, band) for band in self.bands]

    def tasks(self) -> list[tuple[int, int]]:
        """The number of a band, and the place of a task's first hash among those sorted by their key there."""
        return [(k, first) for k, ours in enumerate(self.ours) for first in range(0, len(ours.rows), SPAN)]

    def pairs(self, task: tuple[int, int]) -> Iterator[np.ndarray]:
        """Blocks (P, 2) of rows i, j, with P at most ROWS × COLUMNS."""
        (k, first), tile = task, _Tile(self.bits)
        ours, theirs = self.ours[k], self.theirs[k]
        for start, stop, key in ours.runs(first, first + SPAN):
            places = theirs.places(self._near_keys(k, key))
            if self.bands[k] is ALL_WITH_ALL:  # sorted as they came: with those before they were compared already
                places = places[start:]
            hashes = theirs.hashes[places]
            for top in range(start, stop, ROWS):
                bottom = min(top + ROWS, stop)
                for left in range(0, len(places), COLUMNS):
                    row, column = tile.close(ours.hashes[top:bottom], hashes[left : left + COLUMNS])
                    yield self._new(k, top + row, places[left + column])

    def _near_keys(self, k: int, key: int) -> np.ndarray:
        """The keys to compare the hashes of this one with; where both sides are one, two keys meet once."""
        keys = key ^ self.bands[k].changes
        return keys[keys >= key] if self.symmetric else keys

    def _new(self, k: int, our_places: np.ndarray, their_places: np.ndarray) -> np.ndarray:
        """The rows (P, 2) at these places of band k, less what an earlier band finds, or the other way round."""
        ours, theirs = self.ours[k], self.theirs[k]
        i, j = ours.rows[our_places], theirs.rows[their_places]
        if self.symmetric:
            new = (ours.keys[our_places] != theirs.keys[their_places]) | (i < j)
            i, j = np.minimum(i, j), np.maximum(i, j)
        else:
            new = i < j
        difference = ours.hashes[our_places] ^ theirs.hashes[their_places]
        for band in self.bands[:k]:
            new &= np.bitwise_count(band.keys(difference)) > band.radius
        return np.stack([i[new], j[new]], axis=1)


class _Tile:
    """A few hashes compared with some thousand, in memory that a core's cache holds."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.difference = np.empty(ROWS * COLUMNS, np.uint64)
        self.count, self.is_close = np.empty(ROWS * COLUMNS, np.uint8), np.empty(ROWS * COLUMNS, bool)

    def close(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of a and which of b differ by few bits: (P,), (P,)."""
        shape, size = (len(a), len(b)), len(a) * len(b)
        np.bitwise_xor(a[:, None], b, out=self.difference[:size].reshape(shape))
        np.bitwise_count(self.difference[:size], out=self.count[:size])
        np.less_equal(self.count[:size], self.bits, out=self.is_close[:size])
        return np.divmod(np.flatnonzero(self.is_close[:size]), len(b))


class _Sorted:
    """Hashes in the order of their keys in a band, and the rows that they are of."""

    def __init__(self, hashes: np.ndarray, band: Band) -> None:
        keys = band.keys(hashes)
        self.rows = np.argsort(keys, kind="stable")
        self.hashes, self.keys = hashes[self.rows], keys[self.rows]
        self.starts = np.searchsorted(self.keys, np.arange((1 << band.width) + 1))

    def runs(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """From and to which place each key is between these two."""
        keys = self.keys[first:last]
        edges = [0, *(np.flatnonzero(np.diff(keys)) + 1).tolist(), len(keys)]
        for start, stop in pairwise(edges):
            yield first + start, first + stop, int(keys[start])

    def places(self, keys: np.ndarray) -> np.ndarray:
        """Where the hashes with these keys are."""
        start, number = self.starts[keys], self.starts[keys + 1] - self.starts[keys]
        before = np.cumsum(number) - number
        return np.repeat(start - before, number) + np.arange(number.sum())
