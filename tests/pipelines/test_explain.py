"""The script as a user runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from overcast.training.train import train


def test_the_page_is_said_and_mistakes_are_one_message(script: Any, config: Any, home: Path) -> None:
    pytest.importorskip("captum")
    assert "no run in runs/ yet" in script("explain").mistake()
    run = train(config("epochs=1"))
    assert "no such file" in script("explain", f"run={run.folder}", "files=none.png").mistake()
    assert "there is no option 'file'" in script("explain", "file=x").mistake()
    said = script("explain", f"run={run.folder}", "out=look")
    assert (said.code, said.out) == (0, "page: look/index.html\n")
    assert "look inside a trained run" in script("explain", "--help").out
