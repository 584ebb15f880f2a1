"""The folder that a run is trained into: a fresh one, or one in which nothing but a run's files can be lost."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from pathlib import Path

import yaml

from overcast.config.run_config import RunConfig
from overcast.core.atomic import OURS
from overcast.core.errors import UserError
from overcast.core.locks import LOCK
from overcast.core.paths import project_path
from overcast.tracking.outbox import OUTBOX
from overcast.tracking.run_folder import PROFILES, RECORD, Run


def create_run(config: RunConfig) -> Run:
    """The folder to train into: ``run=…`` if given, else a fresh one."""
    if config.run:
        folder = Path(config.run)
    else:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        words = f"{config.data.name}-{config.model.name}-{config.mitigation_name}"
        folder = project_path(config.runs_dir) / f"{stamp}-{words[:60]}-s{config.seed}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True, exist_ok=True)
    return Run(folder)


def check_folder(folder: Path, data_dir: Path, runs_dir: Path) -> None:
    """Raises: UserError if training into ``folder`` would overwrite or remove what no run has left there."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"run={folder} is a file: name a folder to train into")
    place = data_dir.resolve()
    if folder.resolve().is_relative_to(place) and not runs_dir.resolve().is_relative_to(place):
        raise UserError(f"run={folder} lies in {data_dir}, where the data is: name a folder elsewhere")
    if foreign := _foreign(folder):
        raise UserError(
            f"run={folder}: this folder holds what is no run's ({', '.join(foreign[:3])}), and training would "
            "overwrite files in it: name another folder"
        )


def _foreign(folder: Path) -> list[str]:
    """What is in ``folder``, unless a run or the rest of one is."""
    if not folder.is_dir() or _is_config(folder / "config.yaml") or _is_json(folder / RECORD, "settings"):
        return []
    rest = {LOCK, ".gitignore"} | ({"evaluation"} if (folder / "evaluation" / "metrics.json").is_file() else set())
    rest |= {path.name for pattern in (PROFILES, f".*{OURS}*", OUTBOX.format("*")) for path in folder.glob(pattern)}
    return sorted(path.name for path in folder.iterdir() if path.name not in rest)


def _is_config(path: Path) -> bool:
    """Whether this is a run's config: one that names a network of ours."""
    try:
        target = yaml.safe_load(path.read_text(encoding="utf8"))["model"]["_target_"]
        return str(target).startswith("overcast.")
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError):
        return False


def _is_json(path: Path, key: str) -> bool:
    try:
        return key in json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError, TypeError):
        return False
