"""The page takes what the run was trained on, says all in one language, and shows names as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from overcast.core.words import use_language
from overcast.demo.open_demo import open_demo
from overcast.demo.page import page, script, style_sheet
from overcast.tracking.run_folder import Run


def words(text: str) -> dict[str, Any]:
    found = re.search(r'id="words">(.*?)</script>', text, re.DOTALL)
    assert found
    told: dict[str, Any] = json.loads(found[1])
    return told


def test_each_kind_of_data_has_its_inputs(run: Run, tones: Run, letters: Run) -> None:
    pages = {
        kind: page(open_demo([each])) for kind, each in (("image", run), ("spectrogram", tones), ("tokens", letters))
    }
    for kind, text in pages.items():
        assert f'data-kind="{kind}"' in text
        assert ("<textarea" in text, 'id="record"' in text) == (kind == "tokens", kind == "spectrogram")
        assert 'type="file"' in text


def test_all_that_the_script_says_is_there(run: Run, tones: Run, letters: Run) -> None:
    asked = set(re.findall(r"(?<!found\.)\bwords\.(\w+)", script()))
    told = set().union(*(words(page(open_demo([each]))) for each in (run, tones, letters)))
    assert asked <= told
    ids = set(re.findall(r'\bat\("([\w-]+)"\)', script()))
    assert ids <= set(re.findall(r'id="([\w-]+)"', page(open_demo([tones])) + page(open_demo([letters]))))


def test_a_class_s_name_is_text(own: Callable[..., Run], tmp_path: Any) -> None:
    name = "</script><b>x"
    lines = ["text,label", *(f"one two three {i},{name}\nfour five six {i},other" for i in range(30))]
    (tmp_path / "letters.csv").write_text("\n".join(lines))
    text = page(open_demo([own("texts", "ann", path=tmp_path / "letters.csv")]))
    assert "<b>x" not in text
    assert "&lt;/script&gt;&lt;b&gt;x" in text


def test_in_korean(run: Run) -> None:
    english = words(page(open_demo([run])))
    with use_language("ko"):
        korean = words(page(open_demo([run])))
    assert english.keys() == korean.keys()
    assert {name for name in english if english[name] == korean[name]} == {"said"}


def test_the_style_is_that_of_all_pages_and_dark_where_asked() -> None:
    assert style_sheet().startswith(":root { --ink: #222222;")
    assert "@media (prefers-color-scheme: dark)" in style_sheet()
