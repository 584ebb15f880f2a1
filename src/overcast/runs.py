"""A run's folder: what it holds, how it is named, and how one is found again.

config.yaml   the resolved config          parts.csv    the part of each row it was trained with
spec.json     what the data looks like     history.csv  loss, accuracy and gap of each epoch
model.pt      the weights                  run.json     the rest; written last, so it marks a whole run
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from overcast.atomic import whole_file
from overcast.config import Tracking, name_of
from overcast.errors import UserError
from overcast.spec import Spec

if TYPE_CHECKING:  # which imports torch
    from overcast.devices import Devices

DISPLAY = (
    "trainer", "tracking", "tags", "mirror", "run", "study", "claim", "prepare", "role", "data_dir", "runs_dir",
)  # fmt: skip
"""What a run's identity leaves out: paths, device and display."""

NEWER = {"shuffle": False, "claim": None, "prepare": False}
"""What runs did that were stored before the config knew these, and ``split.random``."""

YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast, and a comparison of many runs reads many configs."""

FILES = ("config.yaml", "spec.json", "parts.csv", "history.csv", "model.pt", "run.json")


@dataclass(frozen=True)
class Run:
    """A folder, and what is stored in it."""

    folder: Path

    def path(self, name: str) -> Path:
        """One of `FILES`."""
        return self.folder / name

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config."""
        loaded: dict[str, Any] = yaml.load(self.path("config.yaml").read_text(encoding="utf8"), YAML)
        return {**NEWER, **loaded, "split": {"random": False} | loaded["split"]}

    @property
    def spec(self) -> Spec:
        return Spec.load(self.path("spec.json"))

    @property
    def facts(self) -> dict[str, Any]:
        """run.json: the record's id, name, fingerprint, best figures, duration, sizes."""
        loaded: dict[str, Any] = json.loads(self.path("run.json").read_text(encoding="utf8"))
        return loaded

    @property
    def parts(self) -> np.ndarray:
        """(N,) the part of each row of the pack."""
        return np.array(self.path("parts.csv").read_text(encoding="utf8").split()[1:])

    def write(self, name: str, text: str) -> None:
        """Write one file whole or not at all."""
        whole_file(self.path(name), text)

    def clear(self) -> None:
        """Remove what an earlier run left here."""
        for name in FILES:
            self.path(name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "evaluation", ignore_errors=True)

    def write_facts(self, facts: dict[str, Any]) -> None:
        self.write("run.json", json.dumps(facts, indent=1) + "\n")


def mitigation_name(config: dict[str, Any]) -> str:
    """ "none", "dropout", "dropout+augmentation": the picked mitigations in their order."""
    return "+".join(config["mitigation"]) or "none"


def run_name(config: dict[str, Any]) -> str:
    """What the run is, as MLflow shows it: `cnn · dropout · seed 3`."""
    return f"{name_of(config['model'])} · {mitigation_name(config)} · seed {config['seed']}"


def identity(config: dict[str, Any], fingerprint: str, devices: Devices) -> str:
    """Equal for two runs that must come out equal: the config without display, the data, and what they are run on.

    That is the precision really used, whoever chose it, and the number of processes: each has a part of every batch,
    of which alone batch norm takes its mean and variance.
    """
    kept = {key: value for key, value in config.items() if key not in DISPLAY}
    kept |= {"precision": devices.precision, "processes": devices.ranks}
    kept["mitigation"] = list(config["mitigation"].items())  # they apply in order: it counts
    text = json.dumps([kept, fingerprint], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def create(config: dict[str, Any]) -> Run:
    """The folder to train into: ``run=…`` if given, else a fresh one."""
    if config["run"]:
        folder = Path(config["run"])
    else:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        words = f"{name_of(config['data'])}-{name_of(config['model'])}-{mitigation_name(config)}"
        folder = Path(config["runs_dir"]) / f"{stamp}-{words[:60]}-s{config['seed']}-{secrets.token_hex(2)}"
    if folder.exists() and not folder.is_dir():
        raise UserError(f"run={folder} is a file: name a folder to train into")
    folder.mkdir(parents=True, exist_ok=True)
    return Run(folder)


def load(folder: Path) -> Run:
    """A whole run in this folder.

    Raises: UserError if there is none, or only a half one.
    """
    if not folder.is_dir():
        raise UserError(f"there is no run in {folder}: train one first (`dvc repro`, or python pipelines/train.py)")
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise UserError(
            f"the run in {folder} is not whole ({', '.join(missing)} missing): its training did not finish. Train again"
        )
    return Run(folder)


def find(text: str, runs_dir: Path = Path("runs")) -> Run:
    """A run by folder, by MLflow run id, or the ``latest`` one.

    Raises: UserError if there is no such run.
    """
    whole = sorted(runs_dir.glob("**/run.json"), key=lambda path: path.stat().st_mtime)
    if text == "latest":
        if not whole:
            raise UserError(f"no run in {runs_dir}/ yet: train one first (`dvc repro`, or python pipelines/train.py)")
        return load(whole[-1].parent)
    if Path(text).exists() or "/" in text:
        return load(Path(text))
    for path in whole:
        if Run(path.parent).facts["id"] == text:
            return load(path.parent)
    return _fetch(text, runs_dir)


def _fetch(run_id: str, runs_dir: Path) -> Run:
    """A run whose folder is not here, from the artifacts of its MLflow run."""
    from overcast.tracking import open_store

    store = open_store(asdict(Tracking()))
    if store is None or store.find(run_id) is None:
        raise UserError(
            f"run={run_id}: no such folder, and no run of that id in {runs_dir}/ or in MLflow. "
            "Give a run's folder, an MLflow run id, or 'latest'"
        )
    return load(store.download(run_id, "run", Path(tempfile.mkdtemp(prefix="overcast-"))))
