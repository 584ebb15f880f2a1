"""The site's own parts: links, words of time, tables, and that the Korean course has all that the English one has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import build_site
import lessons
from course_tables import read_tables, write_table
from overcast.comparison.compare import compare
from overcast.core.paths import ROOT

ENGLISH = sorted((ROOT / "docs" / "course").glob("*.md"))
KOREAN = [ROOT / "docs" / "ko" / "course" / path.name for path in ENGLISH]
CALL = re.compile(r"""\b(predict|play|run)\((?P<quote>["'])(\w[\w-]*)(?P=quote)(?:, "(\w+)")?""")
ABOUT = {"command", "commit", "machine", "seconds", "output"}


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("[SECURITY.md](../../SECURITY.md)", "[SECURITY.md](../SECURITY.md)"),
        ("[`benchmarks/ood.py`](../../benchmarks/ood.py)", "`benchmarks/ood.py`"),
        ("[the cases](../../tests/faults/cases.py)", "the cases (`tests/faults/cases.py`)"),
        ("[results](../results.md#the-course)", "[results](../results.md#the-course)"),
        ("[open](../assets/how-sure.html)", "[open](../assets/how-sure.html)"),
    ],
)
def test_a_link_out_of_the_site_becomes_words(link: str, kept: str) -> None:
    of_page = partial(build_site.in_the_site, Path("course"))
    assert build_site.UPWARDS.sub(of_page, link) == kept


def test_times_are_as_coarse_as_they_should_be_read() -> None:
    assert [lessons.seconds(each) for each in (3, 44, 88, 130, 1200)] == ["10 s", "40 s", "90 s", "2 min", "20 min"]


def test_one_row_is_found_or_it_is_an_error() -> None:
    rows = [{"name": "a", "depth": 1}, {"name": "a", "depth": 2}]
    assert lessons.cell(rows, name="a", depth=2) is rows[1]
    with pytest.raises(ValueError, match="unpack"):
        lessons.cell(rows, name="a")


def test_a_table_is_short_and_read_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_tables.TABLES", tmp_path)
    write_table("one", {"rows": [{"mean": 1 / 3, "name": "은닉층"}]})
    assert read_tables() == {"one": {"rows": [{"mean": 0.3333, "name": "은닉층"}]}}


def test_every_table_tells_how_it_was_made() -> None:
    for name, table in read_tables().items():
        about = table["about"]
        assert set(about) == ABOUT, name
        assert set(about["output"]) == {"en", "ko"}
        assert re.fullmatch("[0-9a-f]{7,}", about["commit"])
        assert "/tmp" not in json.dumps(about)  # no place of the machine that measured it


@pytest.mark.parametrize(("english", "korean"), [*zip(ENGLISH, KOREAN, strict=True)], ids=lambda path: path.stem)
def test_both_languages_ask_show_and_measure_the_same(english: Path, korean: Path) -> None:
    calls = [[found.groups() for found in CALL.finditer(path.read_text(encoding="utf8"))] for path in (english, korean)]
    assert calls[0] == calls[1]
    texts = [path.read_text(encoding="utf8") for path in (english, korean)]
    assert texts[0].count("call solution()") == texts[1].count("call solution()")
    if english.stem != "index":
        assert texts[0].count("call solution()") == 3


def test_a_shown_command_is_that_of_its_table() -> None:
    """What a lesson's text says of a table is of a study that conf/ has."""
    for table in read_tables().values():
        (study,) = re.findall(r"\+study=(\w+)", table["about"]["command"])
        assert (ROOT / "conf" / "study" / f"{study}.yaml").exists()


@pytest.mark.slow
def test_the_site_is_built_and_reaches_nothing_else() -> None:
    pytest.importorskip("zensical")
    subprocess.run([sys.executable, "docs/build_site.py"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    for page in [*(ROOT / "site").rglob("*.html")]:
        text = page.read_text(encoding="utf8")
        fetched = re.findall(r"""<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=["']?(https?:[^"' >]+)""", text)
        assert [each for each in fetched if "canonical" not in each] == [], page


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_last_lesson_quotes_what_its_report_finds(tmp_path: Path, language: str) -> None:
    archive = str(ROOT / "docs" / "tables" / "how_sure.zip")
    found = compare(archive=archive, out=str(tmp_path), language=language)
    assert found.text.partition("\n\n")[0] == read_tables()["how_sure"]["about"]["output"][language]
