"""The script as a user runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_the_page_is_said_and_mistakes_are_one_message(script: Any, tiny: list[str], data: Path, home: Path) -> None:
    assert "run `python pipelines/pack.py data=skies`" in script("audit", *tiny).mistake()
    (home / "mine").mkdir()
    (home / "mine" / "letter.txt").touch()
    words = [*tiny, f"data_dir={data}", "data.difficulty=0.2"]
    assert "holds other files" in script("audit", *words, "out=mine").mistake()
    said = script("audit", *words, "out=look")
    assert (said.code, said.out) == (0, "page: look/index.html\n")
    assert "synthetic" in (home / "look" / "index.html").read_text()
    assert script("audit", *words, "out=look", "language=ko").code == 0
    assert "합성 표본" in (home / "look" / "index.html").read_text()
    assert "language=kr: there is no such language" in script("audit", *words, "language=kr").mistake()


def test_data_is_packed_on_the_way_but_not_split(script: Any, tiny: list[str], tmp_path: Path) -> None:
    said = script("audit", *tiny, f"data_dir={tmp_path}/new", "prepare=true")
    assert (said.code, said.out.splitlines()[-1]) == (0, "page: reports/audit/skies/index.html")
    assert (tmp_path / "new" / "skies" / "pack" / "pack.json").exists()
    assert not (tmp_path / "new" / "skies" / "parts.json").exists()
