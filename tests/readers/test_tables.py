"""Columns of a csv, and a message that names option, column and line for each thing that can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.readers.tables import Table, read_table


def table(tmp_path: Path, text: str | bytes) -> Table:
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path)


def test_cells_and_the_lines_they_are_in(tmp_path: Path) -> None:
    read = table(tmp_path, '\ufeffa, b ,"c\nd"\r\n1,"two\nlines, and a comma",Nan\r\n\r\n 3 ,x,\r\n')
    assert read.frame.to_dict("list") == {"a": ["1", "3"], "b": ["two\nlines, and a comma", "x"], "c\nd": ["Nan", ""]}
    assert read.frame.index.tolist() == [3, 6]
    assert read.column("data.label", "a").tolist() == ["1", "3"]


@pytest.mark.parametrize(
    "cell", ["nan", "NaN", "NA", "null", "None", "007", "1e3", "1.50", "True", "2024-01-01", "N/A"]
)
def test_text_stays_as_it_is_written(tmp_path: Path, cell: str) -> None:
    assert table(tmp_path, f"a,b\n{cell},1\n").column("data.label", "a").tolist() == [cell]


@pytest.mark.parametrize(
    "text",
    [
        "x,label\n1,a\n2,b\n",
        "\ufeffx,label\r\n1,a\r\n2,b",
        "x,label\r1,a\r2,b\r",
        "x;label\n1;a\n2;b\n",
        "x\tlabel\n1\ta\n2\tb\n",
        "x|label\n1|a\n2|b\n",
        "\n\nx,label\n\n1,a\n2,b\n\n",
        "x,label,\n1,a,\n2,b,\n",
        "x,,label,\n1,,a,\n2,,b, \n",
    ],
)
def test_the_same_table_as_programs_write_it(tmp_path: Path, text: str) -> None:
    read = table(tmp_path, text)
    assert read.frame.to_dict("list") == {"x": ["1", "2"], "label": ["a", "b"]}
    assert read.unnamed == ()


def test_a_column_without_a_name_has_its_number(tmp_path: Path) -> None:
    read = table(tmp_path, ",x,,label\n0,1,,a\n1,2,y,b\n")
    assert list(read.frame) == ["column 1", "x", "column 3", "label"]
    assert read.unnamed == ("column 1", "column 3")


@pytest.mark.parametrize(("typed", "column"), [("7", "007"), ("1.5", "1.50"), ("1000.0", "1e3")])
def test_a_column_whose_name_was_read_as_a_number(tmp_path: Path, typed: str, column: str) -> None:
    with pytest.raises(
        UserError, match=rf"data\.text={typed}: .* it has {column}, label\. .* 'data\.text=\"{column}\"'"
    ):
        table(tmp_path, f"{column},label\nx,a\n").cells("data.text", typed)


def test_numbers_with_a_comma_are_told_how_to_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line 2 of x\.csv has '1,5' in column x, no number: write it with a point"):
        table(tmp_path, "x;label\n1,5;a\n").numbers("f", "x")


def test_a_text_of_any_length(tmp_path: Path) -> None:
    read = table(tmp_path, "a,b\n" + "word " * 40_000 + ",1\nx,2\n")
    assert [len(text) for text in read.cells("data.text", "a")] == [199_999, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows below"),
        ("a,b\n", "no rows below"),
        ("a,a\n1,2\n", "two columns called a: rename"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 cells, but 2 columns have a name"),
        ("a,b\n1,2\n1\n", "line 3 has 1 cells, but 2 columns have a name"),
        ('a,b\n"1"1,2\n', r"line 2 cannot be read \(',' expected after"),
        ('a,b\n1,"2\n3,4\n', r"line 2 cannot be read \(unexpected end of data\)"),
        (b"a,b\n1,na\xefve\n", "is not in UTF-8, as line 2 shows: save it as such"),
    ],
)
def test_no_table(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=rf"x\.csv.*{message}"):
        table(tmp_path, text)


def test_missing_columns_and_empty_cells(tmp_path: Path) -> None:
    read = table(tmp_path, "a,b\n1,\n,2\n")
    with pytest.raises(UserError, match=r"data\.label=c: x\.csv has no such column; it has a, b\."):
        read.column("data.label", "c")
    with pytest.raises(UserError, match=r"data\.label: line 2 of x\.csv has no value in column b"):
        read.column("data.label", "b")
    with pytest.raises(UserError, match=r"line 3 of x\.csv has no value in column a"):
        read.column("data.label", "a")
    assert read.cells("data.text", "b").tolist() == ["", "2"]


def test_numbers_are_exact(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).normal(0, 1e9, 300)
    numbers = table(tmp_path, "a\n" + "".join(f"{value!r}\n" for value in drawn.tolist())).numbers("f", "a")
    assert numbers.dtype == np.float64
    assert (numbers == drawn).all()
    assert table(tmp_path, "a\n1e3\n -2.5\n").numbers("f", "a").tolist() == [1000, -2.5]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("red", "has 'red' in column b, no number"),
        ("inf", "has 'inf' in column b, no number"),
        ("nan", "has 'nan' in column b, no number"),
        ("1_000", "has '1_000' in column b, no number"),
        ("1e400", "has '1e400' in column b, no number"),
        ("-1e301", r"has '-1e301' in column b, but no number beyond 1e\+300 can be learned from"),
        ("", "has no value in column b: add it"),
        ("x" * 999, r"has 'xxx\w*\.\.\.\w*xxx' in column b, no number"),
    ],
)
def test_no_numbers(tmp_path: Path, cell: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^f: line 3 of x\.csv {message}"):
        table(tmp_path, f"a,b\n1,2\n3,{cell}\n").numbers("f", "b")


def test_times(tmp_path: Path) -> None:
    read = table(tmp_path, "n,d,z\n10,2024/05/31,2024-01-01T00:00+02:00\n9.5,2024-06-01 12:00,2024-01-01\n")
    assert read.times("t", "n").tolist() == [10, 9.5]
    assert read.times("t", "d").diff().dt.total_seconds().tolist()[1:] == [36 * 3600]
    assert read.times("t", "z").diff().dt.total_seconds().tolist()[1:] == [2 * 3600]


@pytest.mark.parametrize("cell", ["monday", "today", "now", "24-05", "2024-13-01", "inf", "noon"])
def test_no_times(tmp_path: Path, cell: str) -> None:
    with pytest.raises(UserError, match=rf"t: line 3 of x\.csv has '{cell}' in column a: write numbers, or dates"):
        table(tmp_path, f"a\n2024-05-31\n{cell}\n").times("t", "a")


@pytest.mark.parametrize(
    "cells", [("1700000000000000001", "1700000000000000002"), [f"2024-01-01 00:00:00.{n:09}" for n in (1, 2)]]
)
def test_times_a_billionth_of_a_second_apart(tmp_path: Path, cells: tuple[str, str]) -> None:
    first, second = table(tmp_path, "a\n{}\n{}\n".format(*cells)).times("t", "a")
    assert first < second
