"""A page that needs nothing but itself, reads as it was meant, and never takes the place of anything else."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from markupsafe import Markup

from overcast.core.errors import UserError
from overcast.html.page import BulletList, Callout, Cell, Image, Page, Paragraph, Row, Section, Table
from overcast.html.writer import render, write

GREEN = Image.from_array("a.png", np.full((4, 4, 3), (0, 200, 0), np.uint8), 40, "green <i>")
SECTIONS = [
    Section("One", "Look.", [GREEN, Paragraph("a < b"), Paragraph(Markup("<mark>word</mark>"))]),
    Section("Two", "Compare.", [Row([GREEN], ["title", "x & y"]), Table(["h"], [["<td>"]])]),
    Section("Three", "Left out: there is none."),
]


class Tree(HTMLParser):
    """Whether every element is closed where it should be, and what each could load."""

    EMPTY = ("meta", "link", "img", "br", "wbr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for key, value in attrs if key in ("src", "href", "action", "data")]
        self.open += [tag] if tag not in self.EMPTY else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.scripts += self.open[-1:] == ["script"] and len(data) > 1e6


def page(sections: list[Section], **rest: object) -> Page:
    return Page("T <b>", "lead", sections, rest)


def test_a_long_name_may_break_where_it_joins_others_and_a_change_never(tmp_path: Path) -> None:
    table = Table(["trial", "change"], [["dropout+mixup <b>", "+4.1"]], row_heads=True)
    text = write(tmp_path / "out", page([Section("One", "Look.", [table])])).read_text()
    assert '<th scope="row">dropout+<wbr>mixup &lt;b&gt;</th>' in text
    assert ">+4.1</td>" in text


def test_pictures_are_within_and_text_is_text(tmp_path: Path) -> None:
    written = write(tmp_path / "deep" / "out", page(SECTIONS, fact=3, none=""))
    text = written.read_text()
    assert (written.parent / "a.png").read_bytes() == GREEN.png
    assert text.count(base64.b64encode(GREEN.png).decode()) == 2
    for raw in ("T <b>", "green <i>", "a < b", "x & y", "<td><td>"):
        assert raw not in text
    assert "<mark>word</mark>" in text
    assert "<dt>none" not in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert "<script" not in text


def test_every_part_is_sound_html_and_loads_nothing() -> None:
    table = Table(["name", Cell("n", "%")], [["a", Cell("1", "[0, 2]", 1.0, "better")]], row_heads=True, sortable=True)
    bare = Page("t", "l", [*SECTIONS, Section("Four", "", [table])], {}, [Callout("yes", "so"), BulletList(["x"])])
    text = render(bare)
    tree = Tree(text)
    assert tree.open == []
    assert all(address.startswith(("data:", "#")) for address in tree.loads)
    assert "@import" not in text
    assert "url(" not in text
    assert re.search(r'<th scope="row">a</th>\s*<td class="better number" data-value="1.0">1<span', text)
    assert "aria-sort" in text  # it can be sorted


def test_plotlys_script_is_in_it_once_and_a_page_comes_out_the_same_again() -> None:
    name = "</script><b>"

    def made() -> str:
        figures = [go.Figure(go.Scatter(x=[1, 2], y=[1, 2], name=name)) for _ in range(2)]
        return render(page([Section.from_figure(str(n), "", figure, 200) for n, figure in enumerate(figures)]))

    text = made()
    assert text == made()
    assert Tree(text).scripts == 1
    assert len(re.findall(r'<div id="figure-\d" class="plotly-graph-div"', text)) == 2
    assert name not in text
    assert len(text) < 1.9e6
    packed = re.search(r'data-figure="figure-1">([^\n]+)</script>', text)
    assert packed
    figure = json.loads(gzip.decompress(base64.b85decode(packed[1])))
    # Plotly would make a link of one, and of what else it knows; only what figures of ours say is left
    assert (figure["data"][0]["name"], figure["layout"]["height"]) == ("&lt;/script><b>", 200)


def test_only_an_earlier_page_is_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        write(tmp_path / "out", page(SECTIONS))
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", page([]))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("<html>my own</html>")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="holds other files"):
        write(tmp_path / "mine", page(SECTIONS))
    with pytest.raises(UserError, match="that is a file"):
        write(tmp_path / "file", page(SECTIONS))
    assert (tmp_path / "mine" / "index.html").read_text() == "<html>my own</html>"
    (tmp_path / "out" / "notes.md").write_text("my own")
    with pytest.raises(UserError, match="holds other files"):
        write(tmp_path / "out", page(SECTIONS))
    assert (tmp_path / "out" / "notes.md").read_text() == "my own"


def test_a_name_that_is_no_text_does_not_stop_the_page(tmp_path: Path) -> None:
    written = write(tmp_path / "out", page([Section("S", "H", [Table(["f"], [["bad\udcff.png"]])])]))
    assert "bad?.png" in written.read_text()
