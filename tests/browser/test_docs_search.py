"""The documentation's search, opened from the disk: it finds pages, and nothing is fetched from a network."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from overcast.core.paths import ROOT

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation as `make docs` builds it."""
    pytest.importorskip("zensical", reason="it needs the extra docs")
    folder = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        import build

        patch.setattr(build, "SOURCES", folder / "pages")
        patch.setattr(build, "SITE", folder / "site")
        build.main()
    sys.modules.pop("build")
    return folder / "site"


@pytest.mark.parametrize(("start", "asked"), [("index", "margin"), ("ko/index", "이미지")])
def test_a_search_finds_pages_from_the_disk(view: Any, site: Path, start: str, asked: str) -> None:
    view.page.goto((site / f"{start}.html").as_uri())
    view.page.keyboard.press("Control+k")
    view.page.get_by_role("combobox").press_sequentially(asked, delay=50)
    view.page.get_by_role("status").filter(has_text=re.compile(r"^[1-9]\d* results?$")).wait_for()
    assert view.page.get_by_role("combobox").input_value() == asked
    assert view.outside == []
