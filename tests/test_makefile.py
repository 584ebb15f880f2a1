"""What make says: of an audit, of an installer that is not there, and before each target begins."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
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
    assert (done.returncode, said in done.stdout) == (status, True), done
    assert "--strict" in (tmp_path / "asked").read_text()
    pinned = (tmp_path / ".venv" / "pinned.txt").read_text()
    assert "torch==" in pinned
    assert "+" not in pinned  # no database knows a local build
    assert (tmp_path / ".venv" / "audit.json").exists() == (auditor != UNREACHABLE)


def test_a_target_says_what_it_does_before_it_begins() -> None:
    """The same that `make help` says of it."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf8")
    documented = re.findall(r"^([a-z-]+):.*## .*\n(.*)", makefile, re.MULTILINE)
    assert {name for name, first in documented if first.strip() != "$(announced)"} == {"help"}
    said = subprocess.run(["make", "-n", "lint"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert "s/^lint:.*## /lint: /p" in said.stdout


def test_without_uv_its_installer_is_one_message(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("make", "sh", "echo", "test", "env"):
        (tools / name).symlink_to(shutil.which(name) or name)
    (tools / "python3").symlink_to(sys.executable)
    command = ["make", "--no-print-directory", "install", "EXTRA=", "MARK=base", "UV=1", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, env={"PATH": str(tools)})
    assert done.returncode == 2
    assert done.stdout == "UV=1 needs uv on the path: install it (pip install uv), or leave UV=1 out\n"
    assert not (tmp_path / ".venv").exists()
