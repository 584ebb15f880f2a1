"""What a page is: sections of parts: figures, images, tables, text, intervals. `overcast.html.writer` writes one."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup
from matplotlib.figure import Figure as MatplotlibFigure

from overcast.html.figures import layout, png
from overcast.html.intervals import Intervals


@dataclass(frozen=True)
class Figure:
    """A Plotly figure, to point at and to zoom into. min_width: pixels; where there are fewer, it scrolls."""

    kind: ClassVar[str] = "figure"
    figure: go.Figure
    min_width: int = 0


@dataclass(frozen=True)
class Image:
    """A picture: its file's name, the PNG itself, a line below it, and its width on the page in pixels."""

    kind: ClassVar[str] = "image"
    file: str
    png: bytes
    caption: str
    width: int

    @classmethod
    def from_figure(cls, file: str, figure: MatplotlibFigure, caption: str = "") -> Image:
        """A matplotlib figure, as wide as it was made."""
        return cls(file, png(figure), caption, round(figure.get_figwidth() * 100))

    @classmethod
    def from_array(cls, file: str, pixels: np.ndarray, width: int, caption: str = "") -> Image:
        """Pixels (h, w) or (h, w, 3) uint8; a small picture is enlarged in whole steps, so that they stay square."""
        from PIL import Image as Pillow

        image = Pillow.fromarray(pixels)
        if (factor := width // image.width) > 1:
            image = image.resize((image.width * factor, image.height * factor), Pillow.Resampling.NEAREST)
        stream = io.BytesIO()
        image.save(stream, format="png", optimize=True)
        return cls(file, stream.getvalue(), caption, width)

    @property
    def source(self) -> str:
        """The picture as an address that needs no file."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class Sound:
    """The content of a wav file, which the page plays."""

    wav: bytes

    @property
    def source(self) -> str:
        """The sound as an address that needs no file."""
        return "data:audio/wav;base64," + base64.b64encode(self.wav).decode()


@dataclass(frozen=True)
class Row:
    """Images side by side, sounds to listen to below them, and lines of text, the first one in bold."""

    kind: ClassVar[str] = "row"
    images: Sequence[Image]
    lines: Sequence[str]
    sounds: Sequence[Sound] = ()


class Cell(NamedTuple):
    """One field of a table: what is read first, what stands below it smaller, what a column is sorted by, its look.

    A column of numbers is set to the right. look: "better", "worse", "baseline" or nothing.
    """

    text: str
    detail: str = ""
    value: float | str = ""
    look: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of fields under a head. row_heads: each row's first field names it. sortable: by a click on a head."""

    kind: ClassVar[str] = "table"
    head: Sequence[str | Cell]
    rows: Sequence[Sequence[str | Cell]]
    row_heads: bool = False
    sortable: bool = False

    @property
    def heads(self) -> list[tuple[Cell, bool]]:
        """The fields of the head, and whether the column below is one of numbers."""
        columns = zip(*self.cells, strict=True) if self.rows else ([] for _ in self.head)
        numeric = [bool(column) and not any(isinstance(cell.value, str) for cell in column) for column in columns]
        return list(zip(map(_cell, self.head), numeric, strict=True))

    @property
    def cells(self) -> list[list[Cell]]:
        """The rows, plain text as fields too."""
        return [[_cell(field) for field in row] for row in self.rows]


def _cell(field: str | Cell) -> Cell:
    return field if isinstance(field, Cell) else Cell(field)


@dataclass(frozen=True)
class Paragraph:
    """Text, or `Markup` that is safe already."""

    kind: ClassVar[str] = "paragraph"
    text: str | Markup


@dataclass(frozen=True)
class BulletList:
    """Lines of text, one a point. small: set as notes are."""

    kind: ClassVar[str] = "list"
    items: Sequence[str | Markup]
    small: bool = False


@dataclass(frozen=True)
class Callout:
    """What the page has to say, in a box; ``detail`` stands above it, smaller."""

    kind: ClassVar[str] = "callout"
    text: str | Markup
    detail: str = ""


Part = Figure | Image | Row | Table | Paragraph | BulletList | Callout | Intervals


@dataclass(frozen=True)
class Section:
    """A title, how to read what is below it, and the parts; without parts, the text says why there are none."""

    title: str
    text: str
    parts: Sequence[Part] = ()

    @classmethod
    def from_figure(cls, title: str, text: str, figure: go.Figure, height: int, min_width: int = 0) -> Section:
        """A section of one Plotly figure, laid out as all of them are; height in pixels, min_width as in `Figure`."""
        return cls(title, text, [Figure(layout(figure, height), min_width)])


@dataclass(frozen=True)
class Page:
    """A title, a line on what it is about, what comes before all sections, the sections, and facts at the foot.

    A fact whose value is None or "" is left out.
    """

    title: str
    lead: str
    sections: Sequence[Section]
    facts: Mapping[str, object]
    summary: Sequence[Part] = ()

    def parts(self) -> Iterator[Part]:
        """Every part, in order."""
        yield from self.summary
        for section in self.sections:
            yield from section.parts

    def images(self) -> list[Image]:
        """Every picture, in order."""
        images: list[Image] = []
        for part in self.parts():
            images += [part] if isinstance(part, Image) else part.images if isinstance(part, Row) else []
        return images
