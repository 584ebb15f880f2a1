"""Rows are asked for before they are needed, at the place where they are in the file, and come as they would."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest

from overcast.prepare import read_ahead as module
from overcast.prepare.pack import Pack, open_pack
from overcast.prepare.read_ahead import byte_ranges, read_ahead
from overcast.training.batch_loader import BatchLoader


@pytest.fixture(params=["skies", "waves", "verses"])
def pack(request: pytest.FixtureRequest, data: Path) -> Pack:
    """Pictures, series and texts."""
    return open_pack(data, request.param)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each batch that was asked for, where every pack counts as large, and one batch is enough ahead."""
    batches: list[int] = []
    monkeypatch.setattr(module, "LARGE", 0)
    monkeypatch.setattr(module, "AHEAD", 1)
    places = byte_ranges
    monkeypatch.setattr(module, "byte_ranges", lambda pack, rows: (batches.append(len(rows)), places(pack, rows))[1])
    return batches


def test_a_row_is_where_it_is_said_to_be(pack: Pack, data: Path) -> None:
    content = Path(pack.values.filename).read_bytes()  # type: ignore[attr-defined] # a memmap's
    rows = np.array([7, 0, len(pack.labels) - 1])
    for row, (start, length) in zip(rows, byte_ranges(pack, rows), strict=True):
        assert start % mmap.PAGESIZE == 0
        (sample,), (steps,) = pack.gather(np.array([row]))
        stored = sample if pack.offsets is None else sample[:steps]
        assert content[start : start + length].endswith(stored.tobytes())
        assert length < stored.nbytes + mmap.PAGESIZE


def test_batches_are_the_same_and_the_next_one_is_asked_for(
    pack: Pack, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.random.default_rng(0).permutation(len(pack.labels))
    expected = [pack.gather(batch)[0] for batch in np.array_split(rows, 5)]
    loader = BatchLoader(pack, rows, -(-len(rows) // 5))
    for number, ((x, _, _), batch) in enumerate(zip(loader, expected, strict=True)):
        assert len(asked) == number + 1
        np.testing.assert_array_equal(x.numpy(), batch)
    assert sum(asked) == len(rows)
    monkeypatch.setattr(module, "AHEAD", 1 << 40)
    asked.clear()
    next(iter(loader))
    assert sum(asked) == len(rows)


def test_a_system_that_takes_no_advice_reads_the_rows_when_they_are_taken(
    pack: Pack, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.mmap, "MADV_WILLNEED", -1)  # which it refuses
    batches = [np.arange(3), np.arange(3, 5)]
    assert [*read_ahead(pack, batches)] == batches
    assert asked == [3, 2]


def test_a_small_pack_and_one_in_memory_are_left_alone(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "byte_ranges", None)
    batches = [np.arange(3), np.arange(3, 5)]
    assert [*read_ahead(pack, batches)] == batches
