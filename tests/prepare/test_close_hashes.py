"""Every pair of hashes that is close is found once, as by comparing all with all."""

from __future__ import annotations

import numpy as np
import pytest

from overcast.prepare import close_hashes
from overcast.prepare.close_hashes import CloseHashes, bands


def all_with_all(a: np.ndarray, b: np.ndarray, bits: int) -> list[list[int]]:
    i, j = np.nonzero(np.bitwise_count(a[:, None] ^ b) <= bits)
    return np.stack([i, j], axis=1)[i < j].tolist()


def found(a: np.ndarray, b: np.ndarray, bits: int) -> list[list[int]]:
    search = CloseHashes(a, b, bits)
    return sorted(pair for task in search.tasks() for block in search.pairs(task) for pair in block.tolist())


def hashes(seed: int, number: int = 1500) -> np.ndarray:
    """Of clusters, from copies to strangers: each bit of a centre flipped with a chance from 0 to a half."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2, (number // 10, 64))[rng.integers(0, number // 10, number)]
    flipped = rng.random((number, 64)) < rng.choice([0.0, 0.1, 0.2, 0.3, 0.5], number)[:, None]
    return np.packbits(centres.astype(bool) ^ flipped, axis=1).view(np.uint64)[:, 0]


@pytest.mark.parametrize("few", [10**9, 0], ids=["all with all", "by bands"])
@pytest.mark.parametrize("bits", [0, 7, 16])
def test_all_close_pairs_are_found_once(monkeypatch: pytest.MonkeyPatch, few: int, bits: int) -> None:
    monkeypatch.setattr(close_hashes, "FEW", few)
    a = hashes(0)
    b = np.where(np.arange(len(a)) % 3, a ^ np.uint64(5 << 40), hashes(1))
    assert found(a, a, bits) == all_with_all(a, a, bits)
    assert found(a, b, bits) == all_with_all(a, b, bits)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = hashes(2, 400), hashes(3, 400)
    for few in (10**9, 0):
        monkeypatch.setattr(close_hashes, "FEW", few)
        whole = found(a, a, 16), found(a, b, 16)
        for name, small in (("ROWS", 3), ("COLUMNS", 50), ("SPAN", 70)):
            monkeypatch.setattr(close_hashes, name, small)
        assert (found(a, a, 16), found(a, b, 16)) == whole
        monkeypatch.undo()


@pytest.mark.parametrize("bits", range(4, 20))
def test_bands_leave_no_bit_and_no_pair_out(bits: int) -> None:
    cut = bands(bits)
    assert [bit for band in cut for bit in range(band.low, band.low + band.width)] == list(range(64))
    assert sum(band.radius + 1 for band in cut) == bits + 1


def test_one_hash_and_none() -> None:
    assert found(hashes(0, 10)[:1], hashes(0, 10)[:1], 16) == []
    assert found(hashes(0, 10)[:0], hashes(0, 10)[:0], 16) == []
