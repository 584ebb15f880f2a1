"""What `make audit-dependencies` says: what could not be asked about is never taken for audited."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from overcast.core.paths import ROOT

CLEAN = "echo '{}' > .venv/audit.json"
VULNERABLE = f"{CLEAN}; exit 1"
UNREACHABLE = "exit 1"


@pytest.mark.parametrize(
    ("auditor", "status", "said"),
    [
        (CLEAN, 0, "audited: no known"),
        (VULNERABLE, 2, "VULNERABLE: see"),
        (UNREACHABLE, 2, "NOT AUDITED: the database"),
    ],
)
def test_the_audit_of_dependencies(tmp_path: Path, auditor: str, status: int, said: str) -> None:
    for name in ("Makefile", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / ".venv" / "pip-audit" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" > asked; {auditor}\n')
    python.chmod(0o755)
    (tmp_path / ".venv" / "audit.json").write_text("of the last time")
    command = ["make", "--no-print-directory", "audit-dependencies"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout.startswith(said)) == (status, True), done
    assert "--strict" in (tmp_path / "asked").read_text()
    pinned = (tmp_path / ".venv" / "pinned.txt").read_text()
    assert "torch==" in pinned
    assert "+" not in pinned  # no database knows a local build
    assert (tmp_path / ".venv" / "audit.json").exists() == (auditor != UNREACHABLE)
