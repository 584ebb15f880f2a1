"""Columns of a csv, and a message that names option, column and line for each thing that can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overcast.errors import UserError
from overcast.prepare.tables import Table, read_table


def table(tmp_path: Path, text: str | bytes) -> Table:
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path)


def test_cells_and_the_lines_they_are_in(tmp_path: Path) -> None:
    found = table(tmp_path, '\ufeffa, b \r\n1,"two\nlines, and a comma"\r\n\r\n 3 ,x\r\n')
    assert found.columns == {"a": ["1", " 3 "], "b": ["two\nlines, and a comma", "x"]}
    assert found.lines == [2, 5]
    assert found.column("data.label", "a") == ["1", "3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows below"),
        ("a,b\n", "no rows below"),
        ("a,a\n1,2\n", "two columns of one name"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 cells, but 2 columns have a name"),
        ('a,b\n1,"2\n3,4\n', r"line 2 cannot be read \(unexpected end of data\)"),
        (b"a,b\n1,na\xefve\n", "is not in UTF-8: save it as such"),
    ],
)
def test_no_table(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=rf"x\.csv.*{message}"):
        table(tmp_path, text)


def test_missing_columns_and_empty_cells(tmp_path: Path) -> None:
    found = table(tmp_path, "a,b\n1,\nNaN,2\n")
    with pytest.raises(UserError, match=r"data\.label=c: x\.csv has no such column; it has a, b\."):
        found.column("data.label", "c")
    with pytest.raises(UserError, match=r"data\.label: line 2 of x\.csv has no value in column b"):
        found.column("data.label", "b")
    with pytest.raises(UserError, match=r"line 3 of x\.csv has no value in column a"):
        found.column("data.label", "a")
    assert found.cells("data.text", "b") == ["", "2"]


def test_numbers(tmp_path: Path) -> None:
    found = table(tmp_path, "a,b,c\n1e3,red,1\n-2.5,4,inf\n")
    assert found.numbers("f", "a").tolist() == [1000, -2.5]
    assert found.numbers("f", "a").dtype == np.float32
    with pytest.raises(UserError, match=r"f: line 2 of x\.csv has 'red' in column b, no number"):
        found.numbers("f", "b")
    with pytest.raises(UserError, match=r"line 3 of x\.csv has 'inf' in column c, no number"):
        found.numbers("f", "c")


def test_times(tmp_path: Path) -> None:
    found = table(tmp_path, "n,d,z,w\n10,2024/05/31,2024-01-01T00:00+02:00,monday\n9.5,2024-06-01 12:00,2024-01-01,1\n")
    assert found.times("t", "n").tolist() == [10, 9.5]
    assert np.diff(found.times("t", "d")).tolist() == [36 * 3600]
    assert np.diff(found.times("t", "z")).tolist() == [2 * 3600]
    with pytest.raises(UserError, match=r"t: line 2 of x\.csv has 'monday' in column w: write numbers, or dates"):
        found.times("t", "w")
