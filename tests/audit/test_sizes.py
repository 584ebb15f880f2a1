"""Sizes are those of the files, and are one sentence where all are the same."""

from __future__ import annotations

from pathlib import Path

from overcast.audit.sizes import image_size, sizes
from overcast.prepare.pack import open_pack


def test_sizes_are_those_of_the_files(folder: Path, tmp_path: Path) -> None:
    section = sizes(open_pack(folder, "folder"), folder / "folder" / "raw")
    assert "32×16 at the narrowest and 48×24 at the widest" in section.text
    assert "the most frequent size is 32×16 (8 of 14)" in section.text
    assert "more than twice as long" not in section.text  # as none is
    assert "Left out" in sizes(open_pack(folder, "folder"), tmp_path / "nowhere").text
    assert image_size(folder / "folder" / "raw" / "a" / "0.png") == (32, 16)
    assert image_size(folder / "folder" / "pack" / "index.csv") is None


def test_one_size_is_one_sentence(data: Path) -> None:
    section = sizes(open_pack(data, "skies"), data / "skies" / "raw")
    assert section.text == "All 100 originals are 16×16 pixels, and packed at 16×16."
    assert not section.parts
