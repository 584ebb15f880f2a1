"""Fonts with Korean and other letters for matplotlib, whose own has few scripts; a browser finds its own."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from matplotlib.font_manager import findfont, findSystemFonts, fontManager, get_font

from overcast.core.console import warn

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
MOST_TOLD = 8  # signs
KOREAN_FONTS = (
    "NanumGothic", "Noto Sans KR", "Noto Sans CJK KR", "Noto Sans CJK JP", "Malgun Gothic", "Apple SD Gothic Neo",
    "AppleGothic", "Nanum Gothic", "UnDotum", "Baekmuk Gulim",
)  # fmt: skip
"""Fonts with Korean letters, as Linux, Windows and macOS have them, the best first."""


@cache
def korean_font() -> str | None:
    """The name of a font here that has Korean letters; None without one, which is said once."""
    if (extra := find_spec("koreanize_matplotlib")) and extra.origin:  # importing it would change every figure's font
        fontManager.addfont(Path(extra.origin).parent / "fonts" / "NanumGothic.ttf")
    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)  # a PDF needs none of the tables that it leaves out
    found = _installed(KOREAN_FONTS)
    if found is None:  # matplotlib remembers the fonts that there were when it was first used
        for path in set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}:
            with suppress(OSError, RuntimeError):  # one that matplotlib cannot read
                fontManager.addfont(path)
        found = _installed(KOREAN_FONTS)
    if found is None:
        warn(
            "no font with Korean letters is installed: pictures keep English labels, and Korean names in "
            "them are boxes. `pip install -c constraints.txt -e '.[korean]'` brings one, and so does the system's "
            "package fonts-nanum"
        )
    return found


def missing_signs(texts: Iterable[str]) -> frozenset[str]:
    """What of these texts matplotlib's own font has no sign for."""
    signs = {sign for text in texts for sign in text if sign.isprintable() and not sign.isspace()}
    return frozenset(signs - _signs(findfont("DejaVu Sans")))


@cache
def fallback_fonts(signs: frozenset[str]) -> tuple[str, ...]:
    """The fonts here that have these signs, as few as do; what none has is said."""
    found = [korean_font()] if any(map(HANGUL.match, signs)) else []
    fonts = {font.name: font.fname for font in reversed(fontManager.ttflist)}
    left = {sign for sign in signs if not HANGUL.match(sign)}
    while left and fonts:
        best = max(sorted(fonts), key=lambda name: len(left & _signs(fonts[name])))
        if not left & _signs(fonts[best]):
            break
        left -= _signs(fonts.pop(best))
        found.append(best)
    if left:
        warn(
            f"no font here has {' '.join(sorted(left)[:MOST_TOLD])}: in pictures such names are boxes. The "
            "system's packages fonts-noto-cjk (Chinese, Japanese) and fonts-noto-core (other scripts) bring some"
        )
    return tuple(filter(None, found))


@cache
def _signs(file: str) -> frozenset[str]:
    """What a font's file has."""
    try:
        return frozenset(map(chr, get_font(file).get_charmap()))
    except (OSError, RuntimeError):  # one that matplotlib cannot read
        return frozenset()


def _installed(names: tuple[str, ...]) -> str | None:
    known = {font.name for font in fontManager.ttflist}
    return next((name for name in names if name in known), None)
