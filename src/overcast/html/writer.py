"""Write a page that carries everything in itself: it works from a mail, offline, and asks no network for anything.

Pictures are written into the page, and lie beside it as files too. Plotly's script is in it once where there is a
figure, compressed as the figures are: 1.8 instead of 4.8 MB. Browsers since 2023 unpack it themselves.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import re
from functools import cache
from pathlib import Path

import plotly.offline
from markupsafe import Markup

from overcast.core.atomic import whole_folder
from overcast.core.errors import UserError
from overcast.core.words import current_language, translatable, translate
from overcast.html.intervals import Intervals
from overcast.html.page import Figure, Page, Table
from overcast.html.template import render_template

MARK = '<meta name="generator" content="overcast">'
"""Tells a page of ours: only a folder that has one is ever replaced."""

PLOTLY = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["lasso2d", "select2d"]}
BUTTONS = (
    translatable("Download plot as a PNG"), translatable("Zoom"), translatable("Pan"), translatable("Zoom in"),
    translatable("Zoom out"), translatable("Autoscale"), translatable("Reset axes"),
)  # fmt: skip
"""What Plotly calls the buttons above a figure."""

NOT_OURS = re.compile(r"<(?!/?(?:b|br|extra)>)")
"""Where Plotly would begin an element, such as a link, that no figure of ours has: it stands in somebody's name."""


def write(folder: Path, page: Page) -> Path:
    """Write ``index.html`` and its pictures into ``folder``, in place of an earlier page; the page's path.

    Raises: UserError if the folder holds anything else.
    """
    check_report_folder(folder)
    text = render(page)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(folder) as part:
        for image in page.images():
            (part / image.file).write_bytes(image.png)
        (part / "index.html").write_text(text, encoding="utf8")
    return folder / "index.html"


def check_report_folder(folder: Path, name: str = "index.html", beside: tuple[str, ...] = (".png",)) -> None:
    """Raises: UserError if the folder holds anything but an earlier page, which would be lost.

    name: the page's file. beside: the suffixes of the files that lie with it.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"out={folder}: that is a file: name a folder for the page and its pictures")
    if folder.is_mount() or folder.samefile(Path.cwd()):
        raise UserError(
            f"out={folder}: the page's folder is replaced as a whole, and this one cannot be: name one in it"
        )
    page = folder / name
    ours = page.is_file() and MARK in page.read_text(encoding="utf8", errors="replace")[:1000]
    other = [path for path in folder.iterdir() if path != page and path.suffix not in beside]
    if other or (any(folder.iterdir()) and not ours):
        raise UserError(f"out={folder}: this folder holds other files, which a new page would replace: name another")


def render(page: Page) -> str:
    """The page's text; what of a file's name is no text becomes a question mark."""
    here = Path(__file__).parent
    numbers = itertools.count(1)
    return render_template(
        here / "page.html.j2",
        page=page,
        too_old=translate("This figure needs a browser of 2023 or later"),
        mark=Markup(MARK),
        style=Markup((here / "page.css").read_text(encoding="utf8")),
        scripts=[Markup((here / name).read_text(encoding="utf8")) for name in _scripts(page)],
        plotly=_packed_plotly() if any(isinstance(part, Figure) for part in page.parts()) else "",
        draw=lambda figure: _drawing(figure, next(numbers)),
    )


def _scripts(page: Page) -> list[str]:
    """The files of those that it needs."""
    parts = list(page.parts())
    drawn = any(isinstance(part, Figure) or (isinstance(part, Table) and part.sortable) for part in parts)
    moved = any(isinstance(part, Intervals) for part in parts)
    return [*(["page.js"] if drawn else []), *(["intervals.js"] if moved else [])]


def _drawing(figure: Figure, number: int) -> Markup:
    """The figure's place and its data, which the page's script draws."""
    words = {"dictionary": {name: translate(name) for name in BUTTONS}}
    locale = {"locale": current_language(), "locales": {current_language(): words}}
    shown = json.loads(figure.figure.to_json()) | {"config": PLOTLY | locale}
    text = NOT_OURS.sub("&lt;", json.dumps(shown, separators=(",", ":")))
    name = f"figure-{number}"
    return Markup(
        f'<div id="{name}" class="plotly-graph-div" style="height:{figure.figure.layout.height}px; width:100%"></div>\n'
        f'<script type="text/plain" data-figure="{name}">{_packed(text)}</script>'
    )


def _packed(text: str) -> str:
    """Gzipped, in RFC 1924's base 85: it has no slash, and so cannot end the element it stands in."""
    for level in (9, 8, 7):
        packed = base64.b85encode(gzip.compress(text.encode(), level, mtime=0)).decode()
        if "<!--" not in packed:  # with it, an HTML parser would read on past the element's end
            break
    return packed


@cache
def _packed_plotly() -> Markup:
    return Markup(_packed(plotly.offline.get_plotlyjs()))
