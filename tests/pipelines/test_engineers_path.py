"""benchmarks/engineers_path.py, on a few synthetic pictures: from a folder to a served model that is watched."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from overcast.core.paths import ROOT

STEPS = (
    "look at the data", "what helps", "tune", "confirm on the test part", "register", "serve", "a client asks",
    "a worse model", "is refused", "the same kind of pictures", "serve", "pictures at dusk",
)  # fmt: skip


@pytest.mark.slow
def test_each_step_ends_as_it_should(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="it needs an extra")
    words = [sys.executable, str(ROOT / "benchmarks" / "engineers_path.py"), "quick=true", f"folder={tmp_path}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^\| (.*?) \| .* \| \d+ \| (.*) \|$", done.stdout, re.MULTILINE)
    assert tuple(what for what, _ in rows) == STEPS
    outcomes = dict(rows)
    assert outcomes["register"].startswith("champion: models:/overcast-folder@champion")
    assert outcomes["a client asks"].startswith("60 of 60 labels are those of `predict`")
    assert outcomes["is refused"].startswith("not champion")
    assert outcomes["the same kind of pictures"].startswith("Not drifted")
    assert outcomes["pictures at dusk"].startswith("Drifted: ")
