"""A page of pictures and words that carries everything in itself: what `explain` and `audit` write.

The pictures lie beside the page as files too, and are written into it: it works from a mail, and asks no
network for anything.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import jinja2
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from overcast.atomic import whole_folder
from overcast.errors import UserError

MARK = '<meta name="generator" content="overcast">'
"""Tells a page of ours: only a folder that has one is ever replaced."""


@dataclass(frozen=True)
class Plate:
    """A picture: its file's name, the PNG itself, a line below it, and its width on the page in pixels."""

    kind: ClassVar[str] = "plate"
    file: str
    png: bytes
    caption: str
    width: int

    @property
    def source(self) -> str:
        """The picture as an address that needs no file."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class Side:
    """Plates side by side, and lines of text below them, the first one in bold."""

    kind: ClassVar[str] = "side"
    plates: Sequence[Plate]
    lines: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows of text under a head."""

    kind: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Words:
    """A paragraph: text, or `Markup` that is safe already."""

    kind: ClassVar[str] = "words"
    text: str | Markup


@dataclass(frozen=True)
class Section:
    """A title, how to read what is below it, and the parts; without parts, ``how`` says why there are none."""

    title: str
    how: str
    parts: Sequence[Plate | Side | Table | Words] = ()


def write(folder: Path, title: str, lead: str, sections: Sequence[Section], facts: Mapping[str, object]) -> Path:
    """Write ``index.html`` and its pictures into ``folder``, in place of an earlier page; the page's path.

    Raises: UserError if the folder holds anything else.
    """
    check_place(folder)
    page = html(title, lead, sections, facts)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(folder) as part:
        for plate in plates(sections):
            (part / plate.file).write_bytes(plate.png)
        (part / "index.html").write_text(page, encoding="utf8", errors="replace")
    return folder / "index.html"


def check_place(folder: Path) -> None:
    """Raises: UserError if the folder holds anything but an earlier page, which would be lost."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"out={folder}: that is a file: name a folder for the page and its pictures")
    page = folder / "index.html"
    ours = page.is_file() and MARK in page.read_text(encoding="utf8", errors="replace")[:1000]
    other = [path for path in folder.iterdir() if path != page and path.suffix != ".png"]
    if other or (any(folder.iterdir()) and not ours):
        raise UserError(f"out={folder}: this folder holds other files, which a new page would replace: name another")


def plates(sections: Sequence[Section]) -> list[Plate]:
    """Every picture, in order."""
    found: list[Plate] = []
    for part in (part for section in sections for part in section.parts):
        found += [part] if isinstance(part, Plate) else part.plates if isinstance(part, Side) else []
    return found


def html(title: str, lead: str, sections: Sequence[Section], facts: Mapping[str, object]) -> str:
    """The page's text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("sheet.html.j2").render(
        title=title, lead=lead, sections=sections, facts=facts, mark=Markup(MARK)
    )


def drawn(file: str, figure: Figure, caption: str = "") -> Plate:
    """A matplotlib figure as a plate, as wide as it was made."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return Plate(file, stream.getvalue(), caption, round(figure.get_figwidth() * 100))


def pixels(file: str, picture: np.ndarray, width: int, caption: str = "") -> Plate:
    """A picture (H, W) or (H, W, 3) uint8 as a plate; small ones are enlarged so that their pixels stay square."""
    from PIL import Image

    image = Image.fromarray(picture)
    if (factor := width // image.width) > 1:
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    stream = io.BytesIO()
    image.save(stream, format="png", optimize=True)
    return Plate(file, stream.getvalue(), caption, width)
