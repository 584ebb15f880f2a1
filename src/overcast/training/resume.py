"""Which run ``resume=true`` goes on with: the one of the same identity that was interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from overcast.core.errors import UserError
from overcast.core.locks import is_locked
from overcast.core.paths import project_path
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import CHECKPOINT, Run
from overcast.training.plan import Plan


def interrupted_run(plan: Plan, study: str = "") -> Run | None:
    """The newest run of this plan that left a checkpoint, and is under way nowhere; None if there is none.

    That is by its identity: the config, the data and what it is run on. study: the id of the one that it is a trial of.
    """
    for folder in _folders(plan, CHECKPOINT):
        with suppress(UserError):  # a damaged record
            record = Run(folder).record
            same = record.get("identity") == plan.identity and record.get("study", "") == study
            if same and (plan.config.run or not is_locked(folder)):
                return Run(folder)
    return None


def finished_run(plan: Plan) -> Run | None:
    """The newest whole run of this plan that has its weights; None if there is none."""
    for folder in _folders(plan, "run.json"):
        with suppress(UserError):  # of another version, or damaged
            if Run(folder).facts.get("identity") == plan.identity and not Run(folder).removed:
                return load_run(folder)
    return None


def _folders(plan: Plan, name: str) -> Iterator[Path]:
    """The folder to train into, or all the runs' there are, which have a file of this name, newest first."""
    runs = project_path(plan.config.runs_dir)
    paths = [Path(plan.config.run) / name] if plan.config.run else list(runs.glob(f"*/{name}"))
    with suppress(FileNotFoundError):  # one that is removed now
        for path in sorted((p for p in paths if p.is_file()), key=lambda p: p.stat().st_mtime, reverse=True):
            yield path.parent
