"""The audit's page shows what the pack says: classes, sizes, pairs, odd files, label issues."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overcast.audit.audit import audit, classes, contact_sheets, duplicates, image_size, odd_files, sizes
from overcast.core.csv_rows import read_csv
from overcast.core.errors import UserError
from overcast.data.folder import Folder
from overcast.html.page import Row, Table
from overcast.prepare.download import download
from overcast.prepare.pack import open_pack, pack

OPTIONS: dict[str, Any] = {"path": "?", "size": 16, "channels": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A packed folder of two classes: a copy within one, a copy across, an unreadable and a tiny file."""
    place = tmp_path / "in"
    for label, side in (("a", 16), ("b", 24)):
        (place / label).mkdir(parents=True)
        for i in range(6):
            noise = np.random.default_rng([side, i]).integers(0, 255, (side, 2 * side), dtype=np.uint8)
            Image.fromarray(noise).save(place / label / f"{i}.png")
    (place / "a" / "again.png").write_bytes((place / "a" / "0.png").read_bytes())
    (place / "b" / "other.png").write_bytes((place / "a" / "1.png").read_bytes())
    (place / "a" / "empty <b>.jpg").touch()
    Image.new("L", (3, 3)).save(place / "b" / "dot.png")
    dataset = Folder(str(place), 16, 1)
    download("folder", dataset, tmp_path / "data", None)
    pack("folder", dataset, OPTIONS, tmp_path / "data")
    return tmp_path / "data"


def test_a_page_about_pictures(folder: Path, home: Path) -> None:
    page = audit("folder", OPTIONS, folder)
    assert page == Path("reports/audit/folder/index.html")
    text = page.read_text()
    for words in ("Audit of folder", "14 samples in 2 classes", "2 pairs, of which 1 have two", "Hints, not errors"):
        assert words in text
    assert "a or b?" in text
    assert text.index("a or b?") < text.index("both a")
    assert "empty &lt;b&gt;.jpg" in text
    files = {path.name for path in page.parent.glob("*.png")}
    assert {"classes.png", "sizes.png", "class-0.png", "class-1.png", "pair-1a.png", "pair-2b.png"} <= files


def test_of_many_classes_some_are_shown(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of thousands of bars is larger than can be drawn."""
    skies = open_pack(data, "skies")
    assert "largest and the" not in classes(skies).text
    assert len(contact_sheets(skies)[0].parts) == 2 * 5  # a name and a sheet each
    monkeypatch.setattr("overcast.audit.audit.MOST_CLASSES", 2)
    assert classes(skies).text.endswith("Below are the 1 largest and the 1 smallest.")
    (sheets,) = contact_sheets(skies)
    assert "2 of the 5 classes, evenly spaced." in sheets.text
    assert len(sheets.parts) == 2 * 2


def test_sizes_are_those_of_the_files(folder: Path, tmp_path: Path) -> None:
    section = sizes(open_pack(folder, "folder"), folder / "folder" / "raw")
    assert "32×16 at the narrowest and 48×24 at the widest" in section.text
    assert "the most frequent size is 32×16 (8 of 14)" in section.text
    assert "Left out" in sizes(open_pack(folder, "folder"), tmp_path / "nowhere").text
    assert image_size(folder / "folder" / "raw" / "a" / "0.png") == (32, 16)
    assert image_size(folder / "folder" / "pack" / "index.csv") is None


def test_odd_files_are_those_of_the_table_but_the_duplicates(folder: Path) -> None:
    section = odd_files(read_csv(folder / "folder/pack/audit.csv"))
    (table,) = section.parts
    assert isinstance(table, Table)
    assert [tuple(row[:2]) for row in table.rows] == [("a/empty <b>.jpg", "unreadable"), ("b/dot.png", "tiny")]
    assert "2 duplicate" in section.text


def test_pairs_show_both_files(folder: Path) -> None:
    section = duplicates(open_pack(folder, "folder"), read_csv(folder / "folder/pack/pairs.csv"))
    first, second = (part for part in section.parts if isinstance(part, Row))
    assert first.lines[1:] == ["a/1.png", "b/other.png"]
    assert second.lines[1:] == ["a/0.png", "a/again.png"]
    assert len(first.images) == 2


def test_a_page_about_sequences(data: Path, home: Path) -> None:
    text = audit("waves", {}, data).read_text()
    assert "Lengths" in text
    assert "4 to 12 in all" in text
    assert "Every class has the same number" in text
    assert "None were found." in text


def test_no_pack_and_other_options(data: Path, home: Path) -> None:
    with pytest.raises(UserError, match="There is no pack"):
        audit("nothing", {}, data)
    with pytest.raises(UserError, match="but the config asks for"):
        audit("skies", {"size": 99}, data)
    assert not (home / "reports").exists()
