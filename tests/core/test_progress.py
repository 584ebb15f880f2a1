"""A loop tells how far it is, where it is asked to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from overcast.core.progress import progress_bar


def test_all_items_come_and_the_bar_is_on_standard_error(capfd: Any) -> None:
    assert list(progress_bar(range(3), "measuring", "run")) == [0, 1, 2]
    said = capfd.readouterr()
    assert said.out == ""
    assert "measuring: 100%" in said.err
    assert "3/3" in said.err


def test_a_bar_goes_to_the_descriptor_that_is_given(tmp_path: Path, capfd: Any) -> None:
    file = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    assert list(progress_bar("ab", "timing", "training", file)) == ["a", "b"]
    assert "timing: 100%" in (tmp_path / "log").read_text()
    assert capfd.readouterr().err == ""
