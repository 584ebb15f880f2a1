"""Whatever is in a cell is read as it was written, and lines end in a line feed alone."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from overcast.core import csv_rows
from overcast.core.csv_rows import read_csv, write_rows


@pytest.mark.parametrize("cell", ["Icon\r", "a\r\nb", "a\nb", '"', "a,b", "", " x ", "\r", "\r\n", "é"])
def test_cells_come_back(cell: str) -> None:
    file = io.StringIO()
    write_rows(file, [("name", "n"), (cell, 1)])
    assert file.getvalue().startswith("name,n\n")
    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [["name", "n"], [cell, "1"]]


def test_columns_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [(f"{row}.png", "ab"[row % 2], str(row)) for row in range(50)]
    with (tmp_path / "x.csv").open("w", newline="") as file:
        write_rows(file, [("file", "label", "row"), *lines])
    whole = read_csv(tmp_path / "x.csv")
    assert [tuple(line) for line in zip(*whole.values(), strict=True)] == lines
    monkeypatch.setattr(csv_rows, "LINES", 7)
    monkeypatch.setattr(csv_rows, "REPEATED", 5)
    assert {name: column.tolist() for name, column in read_csv(tmp_path / "x.csv").items()} == {
        name: column.tolist() for name, column in whole.items()
    }
    assert list(read_csv(tmp_path / "x.csv", ["row", "file"])) == ["file", "row"]


@pytest.mark.parametrize("text", ["", "a,b\n1\n", "a,b\n1,2,3\n", "a,b\n1,2\n3\n"])
def test_a_line_of_too_many_or_too_few_cells(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011
        read_csv(tmp_path / "x.csv")


def test_a_head_alone(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n")
    assert {name: len(column) for name, column in read_csv(tmp_path / "x.csv").items()} == {"a": 0, "b": 0}
