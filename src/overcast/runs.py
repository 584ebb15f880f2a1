"""A run's folder: what it holds, how it is named, and how one is found again.

config.yaml   the resolved config          parts.csv    the part of each row: train is what it was trained on
spec.json     what the data looks like     history.csv  each epoch's figures
model.pt      the weights                  run.json     the rest; written last, so it marks a whole run
"""

from __future__ import annotations

import csv
import hashlib
import json
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from overcast.atomic import whole_file
from overcast.config import name_of, tracking_settings
from overcast.errors import UserError
from overcast.spec import Spec

DISPLAY = (
    "trainer", "tracking", "tags", "mirror", "run", "study", "claim", "prepare", "role", "data_dir", "runs_dir",
)  # fmt: skip
"""What a run's identity leaves out: paths, device and display."""

NEWER = {"shuffle": False, "claim": None, "prepare": False}
"""What runs did that were stored before the config knew these, and ``split.random``."""

FILES = ("config.yaml", "spec.json", "parts.csv", "history.csv", "model.pt", "run.json")


@dataclass(frozen=True)
class Run:
    """A folder, and what is stored in it; ``tracking``: where it is recorded, if not where its config says."""

    folder: Path
    tracking: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    def path(self, name: str) -> Path:
        """One of `FILES`."""
        return self.folder / name

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config."""
        loaded: dict[str, Any] = yaml.safe_load(self.path("config.yaml").read_text(encoding="utf8"))
        where = {"tracking": self.tracking} if self.tracking else {}
        return {**NEWER, **loaded, "split": {"random": False} | loaded["split"], **where}

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

    @property
    def history(self) -> dict[str, np.ndarray]:
        """The learning curves: column name → (epochs,); ``epoch`` counts from 1, in runs that stored it from 0 too."""
        with self.path("history.csv").open(encoding="utf8", newline="") as file:
            header, *lines = csv.reader(file)
        columns = dict(zip(header, np.array(lines, float).T, strict=True))
        return columns | {"epoch": columns["epoch"] + (columns["epoch"][0] == 0)}

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


def identity(config: dict[str, Any], fingerprint: str) -> str:
    """Equal for two runs that must come out equal: the config without display, and the data."""
    kept = {key: value for key, value in config.items() if key not in DISPLAY}
    kept["precision"] = config["trainer"]["precision"]
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


def find(text: str, runs_dir: Path = Path("runs"), tracking: Sequence[str] = ()) -> Run:
    """A run by folder, by MLflow run id, or the ``latest`` one.

    tracking: overrides of ``conf/tracking``, where the id is looked up, and where the run then is recorded.

    Raises: UserError if there is no such run.
    """
    settings = tracking_settings(tracking) if tracking else None
    found = _in_folder(text, runs_dir)
    return Run(found.folder, settings) if found else _fetch(text, runs_dir, settings or tracking_settings())


def _in_folder(text: str, runs_dir: Path) -> Run | None:
    """The run of this folder, age or id that is here."""
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
    return None


def _fetch(run_id: str, runs_dir: Path, tracking: dict[str, Any]) -> Run:
    """A run whose folder is not here, from the artifacts of its MLflow run."""
    from overcast.tracking import open_store

    store = open_store(tracking)
    if store is None or store.find(run_id) is None:
        raise UserError(
            f"run={run_id}: no such folder, and no run of that id in {runs_dir}/ or in MLflow. "
            "Give a run's folder, an MLflow run id, or 'latest'"
        )
    folder = store.download(run_id, "run", Path(tempfile.mkdtemp(prefix="overcast-")))
    return Run(load(folder).folder, tracking)
