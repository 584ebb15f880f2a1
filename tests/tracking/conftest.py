"""Whole runs with nothing in their files, which is enough to find, to name and to clear them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from overcast.tracking.run_folder import FILES, FORMAT


@pytest.fixture
def written_run() -> Callable[..., Path]:
    """``written_run(folder, run_id, age)``: the folder, with all files of a run that is ``age`` seconds old."""

    def write(folder: Path, run_id: str = "", age: int = 0) -> Path:
        folder.mkdir(parents=True)
        for name in FILES:
            (folder / name).write_text("")
        facts = folder / "run.json"
        facts.write_text(json.dumps({"format": FORMAT, "id": run_id}))
        os.utime(facts, (1e9 - age, 1e9 - age))
        return folder

    return write
