"""A study: the runs of one Hydra multirun, below one MLflow parent run.

check.py refuses one with a mistake in it, callback.py opens and closes it, progress.py shows how far it is,
lookup.py finds studies and their runs, links.py says where to look at them in MLflow.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Study:
    """What a job knows of its study.

    id: the same for the same command, so that a second one resumes. name: as people say it.
    parent: the MLflow run, "" with tracking off. jobs: how many run at once. folder: logs and states.
    """

    id: str
    name: str
    parent: str
    jobs: int
    folder: str


_current: Study | None = None


def current() -> Study | None:
    """The study that this process's job belongs to."""
    return _current


def enter(study: Study | None) -> None:
    """Make ``study`` the current one of this process."""
    global _current
    _current = study
