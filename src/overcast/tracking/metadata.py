"""Where a result comes from: the commit, the versions and the machine of what computed it."""

from __future__ import annotations

import contextlib
import platform
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

import yaml

from overcast.config.run_config import RunConfig
from overcast.core.cores import cores
from overcast.core.paths import ROOT
from overcast.core.secrets import without_password
from overcast.core.words import translate
from overcast.tracking.identity import STEPS
from overcast.tracking.run import name_part
from overcast.tracking.store import relative
from overcast.tracking.study_info import StudyInfo

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


def environment() -> dict[str, Any]:
    """What this Python is: its version and platform, every installed package's version, and the commit."""
    packages = {each.metadata["Name"]: each.version for each in distributions()}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
        "git": _git("rev-parse", "HEAD"),
    }


def changes() -> str:
    """Git's diff of the project against its commit; "" where there is none."""
    return _git("diff", "HEAD")


def machine(gpus: int = 0) -> str:
    """The processor, how many cores of it this process may use, and the first ``gpus`` GPUs."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
        model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), model)
    return ", ".join([model, f"{cores()} cores", *_gpus(gpus)])


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
    facts = {"trained on": _each(tags, "machine"), "with": ", ".join(versions), "git": _each(tags, "git")}
    return {name: text for name, text in facts.items() if text}


def _each(tags: Sequence[Mapping[str, str]], name: str) -> str:
    """The values of one tag; where there are several, with how many runs have which."""
    values = Counter(each.get(name, "") for each in tags)
    if not any(values):
        return ""
    if len(values) == 1:
        return next(iter(values))
    text = "{value} ({number} of {runs} runs)"
    counted = [
        translate(text, value=value or translate("not recorded"), number=count, runs=len(tags))
        for value, count in values.most_common()
    ]
    return translate(" and ").join(counted)


def _git(*arguments: str) -> str:
    """Git's answer about the project's folder, "" where there is no git or no repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


PLAIN = (
    "seed", "epochs", "batch_size", "lr", "train_fraction", "imbalance_ratio", "measure_every", "shuffle_pixels",
    "debug",
)  # fmt: skip


STRENGTH = "mitigation."
"""How the overrides and the parameters begin that say how strong a mitigation is."""


def run_params(config: RunConfig) -> dict[str, Any]:
    """The config as flat, clean parameters."""
    flat: dict[str, Any] = {name: getattr(config, name) for name in PLAIN}
    flat |= {"data": config.data.name, "model": config.model.name}
    flat |= {"mitigation": config.mitigation_name, "fold": config.split.fold}
    flat |= {"split_seed": config.split.seed, "folds": config.folds}
    flat |= {"split_ignore_groups": config.split.ignore_groups, "split_calibration": config.split.calibration}
    flat |= {name: getattr(config.trainer, name) for name in STEPS}
    flat |= {"init_from": config.init_from}
    flat |= {f"data.{key}": value for key, value in config.data.values.items()}
    flat |= {f"model.{key}": value for key, value in config.model.values.items()}
    for option in config.mitigation:
        flat |= {f"{STRENGTH}{option.name}.{key}": value for key, value in option.values.items()}
    return flat


def recorded_params(config: RunConfig) -> dict[str, Any]:
    """`run_params` as MLflow gets them, the same names for every run: all strengths are one parameter, as option files
    write them (``dropout: {p: 0.3}``), since its plots make up what a run lacks.
    """
    strengths = {option.name: dict(option.values) for option in config.mitigation}
    text = yaml.safe_dump(strengths, default_flow_style=True, sort_keys=False, width=float("inf")).strip()
    flat = {name: value for name, value in run_params(config).items() if not name.startswith(STRENGTH)}
    return flat | {"strengths": text.removeprefix("{").removesuffix("}")}


def flat_params(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """`run_params` again, from what MLflow has; of an older record, or not of MLflow, as they are."""
    flat = dict(recorded)
    strengths = yaml.safe_load(f"{{{flat.pop('strengths', '')}}}")
    return flat | {f"{STRENGTH}{name}.{key}": value for name, own in strengths.items() for key, value in own.items()}


def run_tags(config: RunConfig, facts: dict[str, Any], folder: Path, study: StudyInfo | None) -> dict[str, str]:
    """What a run carries whoever records it: where its data comes from, and the study it belongs to."""
    tags = {"role": config.role, "folder": relative(folder), "study": study.id if study else ""}
    tags |= {"jobs": str(study.jobs if study else 1)}
    names = ("identity", "cell", "fingerprint", "synthetic", "multiply_adds", "precision", "processes", "init_from")
    tags |= {name: str(facts[name]) for name in names if name in facts}  # an older run lacks some
    tags |= {f"tag.{_tag_name(tag)}": "true" for tag in config.tags}
    return {key: value for key, value in tags.items() if value}


def _tag_name(text: str) -> str:
    """What a user calls a run, as MLflow takes it: what it has between slashes, made safe one by one."""
    return "/".join(name_part(part) for part in without_password(text).split("/") if part.strip("."))
