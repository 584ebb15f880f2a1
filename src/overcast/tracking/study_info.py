"""The study that a run belongs to, as far as training and its record need it."""

from __future__ import annotations

from dataclasses import dataclass

from overcast.core.devices import Machine

FORMAT = 1
"""Of how a study and its trials are recorded; counts up when an older one can no longer be compared."""


@dataclass(frozen=True)
class StudyInfo:
    """What a run knows of the study it belongs to.

    id: the same for the same command, so that a second one resumes. name: as people say it.
    parent: the MLflow run, "" with tracking off. jobs: how many run at once. folder: logs and states.
    machine: the one whose meaning of "auto" holds for every run. slots: the GPUs of each of the runs at once, () where
    they take none or the launcher gives them out. runs_per_machine: how many of the runs share the cores that each
    sees; all, unless a cluster spreads them.
    """

    id: str
    name: str
    parent: str
    jobs: int
    folder: str
    machine: Machine | None = None
    slots: tuple[tuple[int, ...], ...] = ()
    runs_per_machine: int | None = None

    @property
    def sharing(self) -> int:
        """How many runs share the cores that one of them sees."""
        return self.runs_per_machine or self.jobs
