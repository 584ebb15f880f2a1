"""Fonts with Korean letters for matplotlib, whose own has none; a browser finds its own."""

from __future__ import annotations

import logging
import re
import sys
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from matplotlib.font_manager import findSystemFonts, fontManager

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
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
        print(
            "overcast: no font with Korean letters is installed: pictures keep English labels, and Korean names in "
            "them are boxes. `pip install -c constraints.txt -e '.[korean]'` brings one",
            file=sys.stderr,
        )
    return found


def _installed(names: tuple[str, ...]) -> str | None:
    known = {font.name for font in fontManager.ttflist}
    return next((name for name in names if name in known), None)
