"""Write a page that carries everything in itself: it works from a mail, offline, and asks no network for anything.

Pictures are written into the page, and lie beside it as files too. Plotly's script is in it once (4.8 MB) where
there is a figure.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import jinja2
import plotly.io
from markupsafe import Markup

from overcast.core.atomic import whole_folder
from overcast.core.errors import UserError
from overcast.html import style
from overcast.html.page import Figure, Page, Table

MARK = '<meta name="generator" content="overcast">'
"""Tells a page of ours: only a folder that has one is ever replaced."""

PLOTLY = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["lasso2d", "select2d"]}
COLOURS = {
    "ink": style.INK,
    "soft": style.GREY,
    "line": style.PALE,
    "accent": style.BLUE,
    "better": style.BLUE,
    "worse": style.DARK_ORANGE,
}
"""The style sheet's names of the palette's colours."""


def write(folder: Path, page: Page) -> Path:
    """Write ``index.html`` and its pictures into ``folder``, in place of an earlier page; the page's path.

    Raises: UserError if the folder holds anything else.
    """
    check_folder(folder)
    text = render(page)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(folder) as part:
        for image in page.images():
            (part / image.file).write_bytes(image.png)
        (part / "index.html").write_text(text, encoding="utf8")
    return folder / "index.html"


def check_folder(folder: Path, name: str = "index.html", beside: tuple[str, ...] = (".png",)) -> None:
    """Raises: UserError if the folder holds anything but an earlier page, which would be lost.

    name: the page's file. beside: the suffixes of the files that lie with it.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"out={folder}: that is a file: name a folder for the page and its pictures")
    page = folder / name
    ours = page.is_file() and MARK in page.read_text(encoding="utf8", errors="replace")[:1000]
    other = [path for path in folder.iterdir() if path != page and path.suffix not in beside]
    if other or (any(folder.iterdir()) and not ours):
        raise UserError(f"out={folder}: this folder holds other files, which a new page would replace: name another")


def render(page: Page) -> str:
    """The page's text; what of a file's name is no text becomes a question mark."""
    here = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(here), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    numbers = itertools.count(1)
    text = environment.get_template("page.html.j2").render(
        page=page,
        mark=Markup(MARK),
        colours=COLOURS,
        style=Markup((here / "page.css").read_text(encoding="utf8")),
        script=Markup((here / "page.js").read_text(encoding="utf8")) if _is_interactive(page) else "",
        draw=lambda figure: _drawing(figure, next(numbers)),
    )
    return text.encode("utf8", "replace").decode("utf8")


def _is_interactive(page: Page) -> bool:
    return any(isinstance(part, Figure) or (isinstance(part, Table) and part.sortable) for part in page.parts())


def _drawing(figure: Figure, number: int) -> Markup:
    """The figure as HTML, the first one of a page with Plotly's script before it."""
    return Markup(
        plotly.io.to_html(
            figure.figure, config=PLOTLY, full_html=False, include_plotlyjs=number == 1, default_width="100%",
            div_id=f"figure-{number}",  # Plotly's own are random: the same study would give another page each time
        )
    )  # fmt: skip
