"""The pictures and the list of the page on the architecture are those of the code as it is."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from overcast.core.paths import ROOT

GUIDE = ROOT / "docs" / "guide"


@pytest.mark.parametrize("name", ["steps", "rooms"])
def test_a_picture_is_that_of_the_code(name: str) -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "architecture.py"))[name]()
    assert (GUIDE / f"{name}.svg").read_text(encoding="utf8") == drawn, "run `python docs/architecture.py`"


def test_the_page_has_a_line_for_each_room() -> None:
    text = (GUIDE / "architecture.md").read_text(encoding="utf8")
    listed = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(listed) == sorted(path.parent.name for path in Path(ROOT / "src/overcast").glob("*/__init__.py"))
