"""The scripts in this process, as a user runs them: a Python of its own for each would cost seconds."""

from __future__ import annotations

import contextlib
import csv
import io
import runpy
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from overcast.core.atomic import OURS
from overcast.core.paths import HOME, ROOT
from overcast.prepare import decode


@dataclass
class Ended:
    """How a script ended: its exit code, and what it wrote to either output."""

    code: int
    said: str


def run_script(name: str, *words: str) -> Ended:
    """Run ``pipelines/<name>.py`` in this process. An exception that a user would see as a traceback is raised."""
    before, path = sys.argv, str(ROOT / "pipelines" / f"{name}.py")
    sys.argv = [path, *words]
    code = 0
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(output):
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1 if end.code else 0
        finally:
            sys.argv = before
    return Ended(code, output.getvalue())


def check_end(ended: Ended) -> None:
    """It went well, or a message says what to do."""
    assert "Traceback" not in ended.said, ended.said
    assert ended.code in (0, 1, 2), ended
    if ended.code:
        messages = [line for line in ended.said.splitlines() if line.startswith("overcast: ")]
        assert len(messages) == 1, ended.said
        assert len(messages[0]) > 25, messages


@contextlib.contextmanager
def fresh_home() -> Iterator[Path]:
    """An empty home to stand in, in which no writer has left anything in the end."""
    with tempfile.TemporaryDirectory(prefix="overcast-") as name, pytest.MonkeyPatch.context() as patch:
        home = Path(name)
        patch.chdir(home)
        patch.setenv(HOME, name)
        patch.setattr(decode, "cores", lambda: 1)
        yield home
        assert not list(home.rglob(f"*{OURS}*"))


def pack_rows(home: Path, name: str, file: str) -> list[dict[str, str]]:
    """A table of a pack: `index.csv` or `audit.csv`; none where there is no such file."""
    path = home / "data" / name / "pack" / file
    if not path.exists():
        return []
    with path.open(encoding="utf8", errors="surrogateescape", newline="") as lines:
        return list(csv.DictReader(lines))
