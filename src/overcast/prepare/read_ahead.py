"""Rows of a pack that memory may not hold: read from the disk, many at once, before they are asked for.

Rows in a random order are read one after the other otherwise, each with megabytes around it that nobody wants, which is
what a system takes a file for that is read in order.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from overcast.prepare.pack import Pack

LARGE = 2**28
"""Bytes of a pack that may not stay in memory."""

AHEAD = 2**25
"""Bytes that are asked for before they are needed: some hundred small pictures, which a disk reads at once."""


def read_ahead(pack: Pack, batches: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """The rows of each batch, one batch after the other, while those to come are being read."""
    file: Any = pack.values.base
    if not isinstance(file, mmap.mmap) or pack.values.nbytes < LARGE or not hasattr(mmap, "MADV_WILLNEED"):
        yield from batches
        return
    file.madvise(mmap.MADV_RANDOM)
    asked = until = 0  # batches, and the bytes of those that were not given yet
    waiting: list[int] = []
    for batch in batches:
        while asked < len(batches) and (until < AHEAD or not waiting):
            ranges = byte_ranges(pack, batches[asked])
            with suppress(OSError):  # it is advice: a system that has no time for it reads the rows when they are taken
                for start, length in ranges:
                    file.madvise(mmap.MADV_WILLNEED, start, length)
            waiting.append(sum(length for _, length in ranges))
            until, asked = until + waiting[-1], asked + 1
        until -= waiting.pop(0)
        yield batch


def byte_ranges(pack: Pack, rows: np.ndarray) -> list[tuple[int, int]]:
    """Where each row is in the file: the page that it begins in, and bytes from there to its end."""
    values: Any = pack.values  # a memmap, as a large pack's are
    width = values.nbytes // len(values)
    bounds = (rows, rows + 1) if pack.offsets is None else (pack.offsets[rows], pack.offsets[rows + 1])
    starts, ends = (values.offset + bound * width for bound in bounds)
    pages = starts - starts % mmap.PAGESIZE
    return [(int(page), int(end - page)) for page, end in zip(pages, ends, strict=True) if end > page]
