"""``language=ko`` changes what a script says, and no file that it writes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

RECORD = "record.json"
"""Beside DVC's outs: when, how long, and on which machine."""


def written(folder: Path) -> dict[str, bytes]:
    """What lies below a folder, by its path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
def test_what_is_written_is_the_same_in_any_language(script: Any, tiny: list[str], fast: list[str], home: Path) -> None:
    made, said = [], []
    for words in ([], ["language=ko"]):
        for stage in ("download", "pack", "split"):
            assert script(stage, *words, *tiny).code == 0
        trained = script("train", *words, *fast, "run=runs/one")
        evaluated = script("evaluate", "run=runs/one", *words)
        assert (trained.code, evaluated.code) == (0, 0)
        said.append(trained.out + evaluated.out)
        made.append({name: written(home / name) for name in ("data", "runs/one")})
        shutil.rmtree(home / "data")
        shutil.rmtree(home / "runs")
    english, korean = made
    assert english["data"] == korean["data"]
    differing = {name for name, content in english["runs/one"].items() if korean["runs/one"].get(name) != content}
    assert english["runs/one"].keys() == korean["runs/one"].keys()
    assert differing <= {RECORD}
    assert "trained: runs/one" in said[0]
    assert "학습됨: runs/one" in said[1]
    assert "95 % 신뢰구간" in said[1]
