"""Rows of a csv file, each ended by a line feed, whatever is in their cells."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO


class _Lines:
    """What the csv module writes, whose lines it ends by a carriage return too: it quotes a cell with one only then."""

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def write(self, line: str) -> None:
        self.file.write(line.removesuffix("\r\n") + "\n")


def write_rows(file: TextIO, rows: Iterable[Sequence[object]]) -> None:
    """Write the rows: what `csv.reader` reads from ``file``, opened with ``newline=""``, is the same."""
    csv.writer(_Lines(file)).writerows(rows)
