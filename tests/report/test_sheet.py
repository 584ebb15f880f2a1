"""A page that needs nothing but itself, and never takes the place of anything else."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup
from PIL import Image

from overcast.errors import UserError
from overcast.report.sheet import Section, Side, Table, Words, html, pixels, plates, write

GREEN = pixels("a.png", np.full((4, 4, 3), (0, 200, 0), np.uint8), 40, "green <i>")
SECTIONS = [
    Section("One", "Look.", [GREEN, Words("a < b"), Words(Markup("<mark>word</mark>"))]),
    Section("Two", "Compare.", [Side([GREEN], ["title", "x & y"]), Table(["h"], [["<td>"]])]),
    Section("Three", "Left out: there is none."),
]


def test_pictures_are_within_and_text_is_text(tmp_path: Path) -> None:
    page = write(tmp_path / "deep" / "out", "T <b>", "lead", SECTIONS, {"fact": 3, "none": ""})
    text = page.read_text()
    assert (page.parent / "a.png").read_bytes() == GREEN.png
    assert text.count(base64.b64encode(GREEN.png).decode()) == 2
    for raw in ("T <b>", "green <i>", "a < b", "x & y", "<td><td>"):
        assert raw not in text
    assert "<mark>word</mark>" in text
    assert "<dt>none" not in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert plates(SECTIONS) == [GREEN, GREEN]


def test_small_pictures_are_enlarged_and_large_ones_kept() -> None:
    assert Image.open(io.BytesIO(GREEN.png)).size == (40, 40)
    large = pixels("b.png", np.zeros((90, 90), np.uint8), 40)
    assert Image.open(io.BytesIO(large.png)).size == (90, 90)
    assert large.width == 40


def test_only_an_earlier_page_is_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        write(tmp_path / "out", "T", "lead", SECTIONS, {})
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", "T", "lead", [], {})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("<html>my own</html>")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="holds other files"):
        write(tmp_path / "mine", "T", "lead", SECTIONS, {})
    with pytest.raises(UserError, match="that is a file"):
        write(tmp_path / "file", "T", "lead", SECTIONS, {})
    assert (tmp_path / "mine" / "index.html").read_text() == "<html>my own</html>"
    (tmp_path / "out" / "notes.md").write_text("my own")
    with pytest.raises(UserError, match="holds other files"):
        write(tmp_path / "out", "T", "lead", SECTIONS, {})
    assert (tmp_path / "out" / "notes.md").read_text() == "my own"


def test_a_name_that_is_no_text_does_not_stop_the_page(tmp_path: Path) -> None:
    page = write(tmp_path / "out", "T", "lead", [Section("S", "H", [Table(["f"], [["bad\udcff.png"]])])], {})
    assert "bad?.png" in page.read_text()
    assert "T" in html("T", "lead", [], {})
