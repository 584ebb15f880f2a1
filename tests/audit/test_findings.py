"""What was odd is shown; what there is none of is one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from overcast.audit.findings import duplicates, findings, odd_files
from overcast.audit.views import Views
from overcast.core.csv_rows import read_csv
from overcast.html.page import Row, Table
from overcast.prepare.pack import open_pack


def views(folder: Path) -> Views:
    return Views(open_pack(folder, "folder"), folder / "folder" / "raw")


def test_odd_files_are_those_of_the_table_but_the_duplicates(folder: Path) -> None:
    section = odd_files(read_csv(folder / "folder/pack/audit.csv"), "No missing files.")
    (table,) = section.parts
    assert isinstance(table, Table)
    assert [tuple(row[:2]) for row in table.rows] == [("a/empty <b>.jpg", "unreadable"), ("b/dot.png", "tiny")]
    assert section.text == "No missing files. Noted: 1 tiny; 1 unreadable. What cannot be read is not packed."


def test_pairs_show_both_files(folder: Path) -> None:
    section = duplicates(views(folder), read_csv(folder / "folder/pack/pairs.csv"))
    first, second = (part for part in section.parts if isinstance(part, Row))
    assert first.lines[1:] == ["a/1.png", "b/other.png"]
    assert second.lines[1:] == ["a/0.png", "a/again.png"]
    assert len(first.images) == 2
    assert "With two different labels, shown first: 1." in section.text


def test_what_there_is_none_of_is_one_line(folder: Path) -> None:
    nothing = {name: np.array([], object) for name in ("file", "problem", "detail", "file_a")}
    (section,) = findings(views(folder), nothing, nothing)
    assert section.text == (
        "No unreadable files, no duplicates, no near-duplicates, no copies with two labels, no missing files, "
        "no unchecked files."
    )
    assert not section.parts
    (section,) = findings(views(folder), nothing, nothing, unasked=["near-duplicate"])
    assert "near-duplicates" not in section.text


def test_what_there_is_some_of_is_not_among_it(folder: Path) -> None:
    both = findings(views(folder), *(read_csv(folder / f"folder/pack/{name}.csv") for name in ("audit", "pairs")))
    assert [section.title for section in both] == ["Duplicates and near-duplicates", "Odd files"]
    assert both[1].text.startswith("No near-duplicates, no missing files, no unchecked files. Noted: ")
