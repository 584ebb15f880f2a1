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
from functools import partial
from pathlib import Path

from lessons import render_lessons, write_report
from option_reference import write_option_reference

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
LINE_ANCHOR = re.compile(r'<a id="(__codelineno[\w-]+)" name="\1" href="#\1"></a>')
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
    mend_pages()
    print(f"The site is in {os.path.relpath(SITE)}/index.html")


def copy_pages(pages: Path, target: Path) -> None:
    """The Markdown files and pictures of one language, with links to files of the project made plain words."""
    shutil.copytree(pages, target, ignore=shutil.ignore_patterns(*NO_PAGES) if pages == DOCS else None)
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


def mend_pages() -> None:
    """Take what the search needs without a server from the site, where the theme fetches it from a network.

    And the anchors of lines of code go: they are links without a name, which a screen reader stops at.
    """
    for path in SITE.rglob("*.html"):
        own = os.path.relpath(SITE / "assets" / "worker.js", path.parent)
        text = LINE_ANCHOR.sub("", path.read_text(encoding="utf8").replace(FETCHED, own))
        path.write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
