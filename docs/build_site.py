"""Build the documentation site into site/, in English and Korean: make docs

Every page is a file below docs/ (Korean ones below docs/ko/). Pages of the course are Jinja templates: their figures
come from the result tables in docs/tables, which docs/course_runs.py makes, and what lessons share is in lesson.md.j2.
Zensical makes the pages, and fails for a link that leads nowhere. Nothing is fetched when a page is read, and all of
it works from the disk: file:// is enough.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jinja2
import numpy as np

from course_tables import read_tables
from option_reference import write_option_reference
from overcast.comparison.compare import compare
from overcast.data._sky_painter import CLASSES, label_of, render

DOCS = Path(__file__).parent
ROOT = DOCS.parent
SOURCES = ROOT / "build" / "site"
"""The pages as Zensical takes them, a folder a language."""
SITE = ROOT / "site"
LANGUAGES = {"en": DOCS, "ko": DOCS / "ko"}
FROM_THE_TOP = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""Pages that lie where people of the field look for them, and are part of the site too."""
NO_PAGES = ("ko", "*.py", "*.j2", "*.toml", "*.csv", "tables", "assets", "notebooks", "__pycache__")
UPWARDS = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[\w./-]+)(#[\w-]+)?\)")
"""A link that may lead to a file that the site does not hold."""
FETCHED = "https://unpkg.com/iframe-worker/shim"
REFERENCE = '{ "Options" = [] }'
"""Where the menu has the pages of options, which are made here."""


def main() -> None:
    shutil.rmtree(SOURCES, ignore_errors=True)
    shutil.rmtree(SITE, ignore_errors=True)
    for language, pages in LANGUAGES.items():
        target = SOURCES / language
        copy_pages(pages, target)
        render_lessons(target, language)
        groups = write_option_reference(target / "reference") if language == "en" else []
        shutil.copytree(DOCS / "assets", target / "assets", dirs_exist_ok=True)
        write_report(target / "assets" / "how-sure.html", language)
        zensical(language, groups)
    (SOURCES / "site").rename(SITE)
    link_translations()
    search_from_the_disk()
    print(f"The site is in {os.path.relpath(SITE)}/index.html")


def copy_pages(pages: Path, target: Path) -> None:
    """The Markdown files and pictures of one language, with links to files of the project made plain words."""
    ignored = shutil.ignore_patterns(
        "ko", "*.py", "*.j2", "*.toml", "*.csv", "tables", "assets", "__pycache__", "notebooks"
    )
    shutil.copytree(pages, target, ignore=ignored if pages == DOCS else None)
    if pages == DOCS:
        for name in FROM_THE_TOP:
            text = (ROOT / name).read_text(encoding="utf8")
            (target / name).write_text(text.replace("](docs/", "]("), encoding="utf8")
    for path in target.rglob("*.md"):
        text = UPWARDS.sub(partial(in_the_site, path.parent.relative_to(target)), path.read_text(encoding="utf8"))
        path.write_text(text, encoding="utf8")


def in_the_site(folder: Path, link: re.Match[str]) -> str:
    """A link as the site has it: to one of its pages, to one of the top, or the name of a file that it does not hold.

    folder: where the page lies, below that of its language.
    """
    words, file, _ = link.groups()
    place = os.path.normpath(folder / file)
    if not place.startswith(".."):
        return link[0]
    inside = place.removeprefix("../")
    if inside in FROM_THE_TOP:
        return link[0].replace("../", "", 1)
    if (DOCS / inside).exists():  # of a Korean page, to an English one
        return link[0].replace(".md", ".html")
    return words if words.strip("`").endswith(Path(file).name) else f"{words} (`{inside}`)"


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
        compare(archive=str(DOCS / "tables" / "how_sure.zip"), out=f"{folder}/report", language=language)
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


def zensical(language: str, groups: list[str]) -> None:
    """Build one language, and stop at the first dead link. groups: the pages of options, for the menu."""
    config = DOCS / f"zensical.{language}.toml"
    copy = SOURCES / config.name
    menu = ", ".join(f'{{ "{group}" = "reference/{group}.md" }}' for group in groups)
    text = config.read_text(encoding="utf8").replace(REFERENCE, REFERENCE.replace("[]", f"[{menu}]"))
    copy.write_text(text, encoding="utf8")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        problems = [line for line in (done.stdout + done.stderr).splitlines() if "Traceback" not in line]
        raise SystemExit(f"The site in {language} was not built:\n" + "\n".join(problems[:40]))


def link_translations() -> None:
    """Let the choice of a language lead to the same page in it, where there is one, not to the first page."""
    for korean in SITE.glob("ko/**/*.html"):
        page = korean.relative_to(SITE / "ko")
        if (SITE / page).exists():
            up = "../" * (len(page.parts) - 1)
            for path, links in {
                korean: {"en": f"{up}../{page}", "ko": page.name},
                SITE / page: {"en": page.name, "ko": f"{up}ko/{page}"},
            }.items():
                text = path.read_text(encoding="utf8")
                for language, link in links.items():
                    text = re.sub(rf'href="[^"]*"(?= hreflang="?{language}\b)', f'href="{link}"', text)
                path.write_text(text, encoding="utf8")


def search_from_the_disk() -> None:
    """Take what the search needs without a server from the site, where Zensical's pages fetch it from a network."""
    for path in SITE.rglob("*.html"):
        own = os.path.relpath(SITE / "assets" / "worker.js", path.parent)
        path.write_text(path.read_text(encoding="utf8").replace(FETCHED, own), encoding="utf8")


if __name__ == "__main__":
    main()
