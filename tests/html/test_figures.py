"""Figures of both libraries come out in one look, and nothing of matplotlib's is changed for others."""

from __future__ import annotations

import io
import re

import matplotlib as mpl
import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from overcast.core.words import use_language
from overcast.html import figures
from overcast.html.figures import canvas, image_grid, layout, picture_text, png, svg


def test_a_canvas_has_its_axes_and_leaves_the_defaults_alone() -> None:
    before = dict(mpl.rcParams)
    figure, panels = canvas(4, 2, rows=2, columns=3)
    assert panels.shape == (2, 3)
    assert not any(axes.spines["top"].get_visible() or axes.spines["right"].get_visible() for axes in panels.ravel())
    assert Image.open(io.BytesIO(png(figure))).size == (440, 220)
    assert dict(mpl.rcParams) == before


def test_the_cells_of_a_grid_are_square_and_below_each_other() -> None:
    figure, panels = image_grid(3, 2, 0.8, top=0.3, left=0.5, head=0.4)
    boxes = np.array([axes.get_position().bounds for axes in panels.ravel()]).reshape(3, 2, 4)  # left, bottom, w, h
    size = figure.get_size_inches()
    assert np.allclose(boxes[..., 2:] * size, 0.8)
    assert np.allclose(np.diff(boxes[:, 0, 1]) * size[1], -1.1)
    assert np.isclose((1 - boxes[0, 0, 1] - boxes[0, 0, 3]) * size[1], 0.7)


def test_the_layout_has_the_asked_height_on_white() -> None:
    laid = layout(go.Figure(go.Scatter(x=[1], y=[2])), 321).layout
    assert (laid.height, laid.paper_bgcolor, laid.plot_bgcolor) == (321, "white", "white")


def test_a_name_in_a_picture_is_no_element_of_it() -> None:
    """Text is drawn as outlines, and matplotlib writes what it says beside them."""
    figure, panels = canvas(2, 2)
    panels[0, 0].set_title('"><img src=x><script>alert(1)</script> --> <script>')
    assert not re.search("<(script|img)", svg(figure).decode())


def test_text_in_pictures_is_english_where_no_font_has_korean_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    with use_language("ko"):
        monkeypatch.setattr(figures, "korean_font", lambda: "NanumGothic")
        assert picture_text("response") == "반응"
        monkeypatch.setattr(figures, "korean_font", lambda: None)
        assert picture_text("unit {number}", number=3) == "unit 3"
    assert picture_text("response") == "response"


def test_a_grid_has_room_for_what_explains_colours() -> None:
    plain, roomy = image_grid(2, 3, 0.8)[0], image_grid(2, 3, 0.8, right=0.55, bottom=0.45)[0]
    assert roomy.get_figwidth() - plain.get_figwidth() == pytest.approx(0.5)
    assert roomy.get_figheight() - plain.get_figheight() == pytest.approx(0.4)
