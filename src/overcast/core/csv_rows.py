"""Rows of a csv file, each ended by a line feed, whatever is in their cells."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

LINES = 1024
"""Read at once: what the csv module makes of a line takes ten times what is kept of it."""

REPEATED = 1000
"""Different cells of a column, up to which equal ones are kept as one object: classes, parts, speakers."""


class _Lines:
    """What the csv module writes, whose lines it ends by a carriage return too: it quotes a cell with one only then."""

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def write(self, line: str) -> None:
        self.file.write(line.removesuffix("\r\n") + "\n")


def write_rows(file: TextIO, rows: Iterable[Sequence[object]]) -> None:
    """Write the rows: what `csv.reader` reads from ``file``, opened with ``newline=""``, is the same."""
    csv.writer(_Lines(file)).writerows(rows)


def read_csv(path: Path, columns: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Column name → (N,) strings. Raises: ValueError if a line has too many or too few cells.

    columns: those to keep, all where None. By the csv module: importing pandas would take as long as a whole split,
    and its text knows no name but in UTF-8.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, None)
        if header is None:
            raise ValueError(f"{path} is empty")
        kept = {name: _Column(place) for place, name in enumerate(header) if columns is None or name in columns}
        while lines := list(islice(reader, LINES)):
            cells = list(zip(*lines, strict=True))
            if len(cells) != len(header):
                raise ValueError(f"{path} has lines of {len(cells)} cells under a head of {len(header)}")
            for column in kept.values():
                column.add(cells[column.place])
    return {name: column.array() for name, column in kept.items()}


class _Column:
    """The cells of a column, block by block."""

    def __init__(self, place: int) -> None:
        self.place, self.blocks, self.known = place, [np.empty(0, object)], dict[str, str]()

    def add(self, cells: Sequence[str]) -> None:
        if len(self.known) <= REPEATED:
            cells = [self.known.setdefault(cell, cell) for cell in cells]
        self.blocks.append(np.array(cells, object))

    def array(self) -> np.ndarray:
        return np.concatenate(self.blocks)
