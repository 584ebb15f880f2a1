"""Where a result comes from: the commit, the versions and the machine of what computed it."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from overcast.config import ROOT

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


def machine(gpus: int = 0) -> str:
    """The processor, how many cores of it there are, and the first ``gpus`` GPUs."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
        model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), model)
    return ", ".join([model, f"{os.cpu_count()} cores", *_gpus(gpus)])


def _gpus(number: int) -> list[str]:
    if not number:
        return []
    import torch

    names = Counter(torch.cuda.get_device_name(i) for i in range(number))
    return [f"{count} × {name}" for name, count in names.items()]


def origins(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What trained the runs with these tags: the machines, versions and commits, all there are of each."""
    names = list(dict.fromkeys(name for each in tags for name in each if name.startswith("version.")))
    versions = [f"{name.removeprefix('version.')} {_each(tags, name)}" for name in names]
    told = {"trained on": _each(tags, "machine"), "with": ", ".join(versions), "git": _each(tags, "git")}
    return {name: text for name, text in told.items() if text}


def _each(tags: Sequence[Mapping[str, str]], name: str) -> str:
    """The values of one tag; where there are several, with how many runs have which."""
    values = Counter(each.get(name, "") for each in tags)
    if not any(values):
        return ""
    told = [f"{value or 'not recorded'} ({count} of {len(tags)} runs)" for value, count in values.most_common()]
    return " and ".join(told) if len(values) > 1 else next(iter(values))


def _git(*arguments: str) -> str:
    """Git's answer about the project's folder, "" where there is no git or no repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
