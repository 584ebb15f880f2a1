"""Whatever is in a cell is read as it was written, and lines end in a line feed alone."""

from __future__ import annotations

import csv
import io

import pytest

from overcast.core.csv_rows import write_rows


@pytest.mark.parametrize("cell", ["Icon\r", "a\r\nb", "a\nb", '"', "a,b", "", " x ", "\r", "\r\n", "é"])
def test_cells_come_back(cell: str) -> None:
    file = io.StringIO()
    write_rows(file, [("name", "n"), (cell, 1)])
    assert file.getvalue().startswith("name,n\n")
    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [["name", "n"], [cell, "1"]]
