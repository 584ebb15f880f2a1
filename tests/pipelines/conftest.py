"""The scripts as a user runs them, in this process where that is enough: a Python of its own costs seconds."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from overcast.core.paths import ROOT

TINY = ["data=skies", "data.n_samples=100", "data.size=16"]
FAST = ["model=ann", "mitigation=none", "tracking=off", "trainer=cpu", "trainer.threads=1", "epochs=1", "lr=0.01"]


@dataclass
class Said:
    """What a script left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    def mistake(self) -> str:
        """The one message of a user's mistake."""
        assert self.code == 2, self
        assert "Traceback" not in self.out + self.err
        lines = [line for line in self.err.splitlines() if line.strip()]
        assert len(lines) == 1, lines
        assert lines[0].startswith("overcast: ")
        return lines[0]


Script = Callable[..., Said]


@pytest.fixture
def script(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Script:
    """Run ``pipelines/<name>.py`` with these words in an empty folder."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def run(name: str, *words: Any) -> Said:
        path = str(ROOT / "pipelines" / f"{name}.py")
        monkeypatch.setattr(sys, "argv", [path, *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            code = int(end.code or 0)
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture
def tiny() -> list[str]:
    """Overrides: the tiny skies."""
    return [*TINY]


@pytest.fixture
def fast() -> list[str]:
    """Overrides: the tiny skies, and a training of a second."""
    return [*TINY, *FAST]
