"""The course's pages, which are templates: their figures, pictures and the last lesson's report."""

from __future__ import annotations

import shutil
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jinja2
import numpy as np

from course_tables import TABLES, read_tables
from overcast.comparison.compare import compare
from overcast.data._sky_painter import CLASSES, label_of, render

DOCS = Path(__file__).parent


def render_lessons(target: Path, language: str) -> None:
    """Fill in the course's pages, in place. Raises: jinja2.UndefinedError for a figure that no table has."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([target, DOCS]), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.globals |= {"tables": read_tables() | {"skies": sky_pictures()}, "language": language}
    environment.filters |= {"percent": percent, "seconds": seconds, "cell": cell}
    for path in sorted(target.glob("course/*.md")):
        text = environment.get_template(path.relative_to(target).as_posix()).render()
        path.write_text(text, encoding="utf8")


def sky_pictures(size: int = 64) -> dict[str, Any]:
    """A synthetic sky of each class, in grey: bytes in base64, since a page on the disk may read no other file."""
    pictures = render(np.arange(len(CLASSES)), seed=0, size=size, difficulty=0.3).mean(-1)  # (5, H, W, 3) to (5, H, W)
    grey = np.rint(pictures).astype(np.uint8)
    pixels = [b64encode(picture.tobytes()).decode() for picture in grey]
    return {"size": size, "pictures": [{"name": CLASSES[label_of(i)], "pixels": each} for i, each in enumerate(pixels)]}


def write_report(page: Path, language: str) -> None:
    """The report of the last lesson's study, made from its archive."""
    with TemporaryDirectory() as folder:
        compare(archive=str(TABLES / "how_sure.zip"), out=f"{folder}/report", language=language)
        shutil.copy(f"{folder}/report/report.html", page)


def cell(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """The one row that has these values. Raises: ValueError if there is none, or more than one."""
    (found,) = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return found


def percent(share: float, digits: int = 0) -> str:
    """0.934 as "93 %"."""
    return f"{100 * share:.{digits}f} %"


def seconds(duration: float) -> str:
    """A time to wait, as coarse as it should be read: "40 s", "3 min"."""
    return f"{round(duration, -1) or 10:.0f} s" if duration < 90 else f"{duration / 60:.0f} min"
