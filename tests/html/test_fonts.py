"""Korean in a picture is drawn in a font that has it; without one it is said once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from overcast.html import fonts
from overcast.html.figures import canvas, pdf, png, svg


@pytest.fixture
def no_font(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fonts, "find_spec", lambda name: None)
    monkeypatch.setattr(fonts, "KOREAN_FONTS", ())
    monkeypatch.setattr(fonts, "findSystemFonts", list)
    monkeypatch.setattr(fonts.fontManager, "ttflist", [f for f in fonts.fontManager.ttflist if "DejaVu" in f.name])
    fonts.korean_font.cache_clear()
    fonts.fallback_fonts.cache_clear()
    yield
    fonts.korean_font.cache_clear()
    fonts.fallback_fonts.cache_clear()


def picture(text: str) -> Any:
    figure, ((axes,),) = canvas(2, 2)
    axes.set_xticks([0, 1], [text, "b"])
    axes.set_title("accuracy")
    return figure


@pytest.mark.parametrize("write", [png, pdf, svg])
def test_korean_names_are_drawn(write: Any) -> None:
    if fonts.korean_font() is None:
        pytest.skip("no font with Korean letters is installed")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a sign without a glyph is a warning
        one, other = write(picture("맑음")), write(picture("흐림"))
    assert one != other  # boxes would be the same ones


@pytest.mark.usefixtures("no_font")
def test_without_a_font_it_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert png(picture("맑음")) == png(picture("흐림")) == png(picture("흐림"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "pip install -c constraints.txt -e '.[korean]'" in said
    assert "fonts-nanum" in said


@pytest.mark.usefixtures("no_font")
def test_of_other_scripts_it_is_said_which_signs_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert png(picture("云")) == png(picture("雨"))
    assert "no font here has 云: in pictures such names are boxes" in capsys.readouterr().err
    assert png(picture("é²✓ → sunny")).startswith(b"\x89PNG")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "write"), [("$\\frac$", png), ("$\\frac$", pdf), ("$\\frac$", svg), ("a$b$", png), ("\\$x_1^$", png)]
)
def test_no_name_is_a_formula(write: Any, name: str) -> None:
    assert write(picture(name)) != write(picture(name.replace("$", "") + " "))


def test_a_font_is_looked_for_only_where_there_is_korean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overcast.html.figures.fallback_fonts", lambda _: pytest.fail("was looked for"))
    assert png(picture("sunny")).startswith(b"\x89PNG")
