"""A study: the runs of one Hydra multirun, below one MLflow parent run.

check.py refuses one with a mistake in it, callback.py opens and closes it, workers.py says how many runs are at once
and on what, progress.py shows how far it is, lookup.py finds studies and their runs, links.py says where to look at
them in MLflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # which imports torch, as not everyone who knows of studies may
    from overcast.core.devices import Machine


@dataclass(frozen=True)
class Study:
    """What a job knows of its study.

    id: the same for the same command, so that a second one resumes. name: as people say it.
    parent: the MLflow run, "" with tracking off. jobs: how many run at once. folder: logs and states.
    machine: the one whose meaning of "auto" holds for every run. slots: the GPUs of each of the runs at once, () where
    they take none or the launcher gives them out.
    """

    id: str
    name: str
    parent: str
    jobs: int
    folder: str
    machine: Machine | None = None
    slots: tuple[tuple[int, ...], ...] = ()


_current: Study | None = None


def current() -> Study | None:
    """The study that this process's job belongs to."""
    return _current


def enter(study: Study | None) -> None:
    """Make ``study`` the current one of this process."""
    global _current
    _current = study
