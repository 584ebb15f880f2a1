"""Where a result comes from: the commit and the versions of what computed it."""

from __future__ import annotations

import contextlib
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

from overcast.config import ROOT
from overcast.cores import cores

PACKAGES = ("overcast", "torch", "pytorch-lightning", "torchmetrics", "hydra-core", "mlflow", "dvc", "numpy")


@cache
def provenance() -> dict[str, str]:
    """Tags: git commit (with "+changes" if files differ from it), Python and package versions."""
    tags = {f"version.{name}": version(name) for name in PACKAGES}
    tags["version.python"] = platform.python_version()
    commit = _git("rev-parse", "HEAD")
    if commit:
        tags["mlflow.source.git.commit"] = commit
        tags["git"] = commit[:12] + ("+changes" if _git("status", "--porcelain", "-uno") else "")
    return tags


def machine() -> str:
    """The processor and how many cores of it this process may use."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
        model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), model)
    return f"{model}, {cores()} cores"


def _git(*arguments: str) -> str:
    """Git's answer about the project's folder, "" where there is no git or no repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
