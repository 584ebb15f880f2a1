"""The parts of a page."""

from __future__ import annotations

import base64
import io

import numpy as np
import plotly.graph_objects as go
import pytest
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image as Pillow

from overcast.html.page import Callout, Cell, Figure, Image, Page, Paragraph, Row, Section, Sound, Table
from overcast.html.writer import render


def test_small_pictures_are_enlarged_and_large_ones_kept() -> None:
    small = Image.from_array("a.png", np.full((4, 4, 3), (0, 200, 0), np.uint8), 40)
    assert Pillow.open(io.BytesIO(small.png)).size == (40, 40)
    large = Image.from_array("b.png", np.zeros((90, 90), np.uint8), 40)
    assert Pillow.open(io.BytesIO(large.png)).size == (90, 90)
    assert large.width == 40
    assert base64.b64decode(large.source.partition(",")[2]) == large.png


def test_a_figure_is_as_wide_as_it_was_made() -> None:
    image = Image.from_figure("a.png", MatplotlibFigure(figsize=(3, 1)), "caption")
    assert (image.width, image.caption) == (300, "caption")
    assert Pillow.open(io.BytesIO(image.png)).size[0] == 300


def test_a_section_of_a_figure_is_laid_out() -> None:
    section = Section.from_figure("T", "how", go.Figure(), 400, min_width=500)
    (part,) = section.parts
    assert isinstance(part, Figure)
    assert (section.title, part.figure.layout.height, part.min_width) == ("T", 400, 500)


@pytest.mark.parametrize(
    ("rows", "numeric"),
    [
        ([["a", Cell("1", value=1.0)], ["b", Cell("–", value=float("nan"))]], [False, True]),
        ([["a", Cell("1", value=1.0)], ["b", "none"]], [False, False]),
        ([], [False, False]),
    ],
)
def test_a_column_of_numbers_is_known(rows: list[list[str | Cell]], numeric: list[bool]) -> None:
    assert [number for _, number in Table(["name", "value"], rows).heads] == numeric


def test_every_picture_of_a_page_is_found_in_order() -> None:
    a, b, c = (Image(f"{name}.png", b"", "", 1) for name in "abc")
    sections = [Section("1", "", [Paragraph("x"), Row([b, c], ["y"])]), Section("2", "", [a])]
    page = Page("t", "l", sections, {}, [Callout("so"), c])
    assert page.images() == [c, b, c, a]


def test_a_sound_is_in_the_page_itself() -> None:
    sound = Sound(b"RIFF and more")
    assert base64.b64decode(sound.source.removeprefix("data:audio/wav;base64,")) == sound.wav
    page = Page("t", "l", [Section("1", "", [Row([Image("a.png", b"", "", 96)], ["one <b>"], [sound])])], {})
    text = render(page)
    assert f'<audio controls preload="metadata" src="{sound.source}" aria-label="one &lt;b&gt;"></audio>' in text
    silent = Page("t", "l", [Section("1", "", [Row([Image("a.png", b"", "", 96)], ["one"])])], {})
    assert "<audio" not in render(silent)
