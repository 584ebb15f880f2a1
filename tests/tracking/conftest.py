"""Whole runs with nothing in their files, which is enough to find, to name and to clear them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from overcast.tracking.run_folder import FILES, Run


@pytest.fixture
def written_run() -> Callable[..., Path]:
    """``written_run(folder, run_id, age)``: the folder, with all files of a run that is ``age`` seconds old."""

    def write(folder: Path, run_id: str = "", age: int = 0) -> Path:
        folder.mkdir(parents=True)
        for name in FILES:
            (folder / name).write_text("")
        (folder / "run.json").unlink()
        Run(folder).write_facts({"id": run_id})
        os.utime(folder / "run.json", (1e9 - age, 1e9 - age))
        return folder

    return write
