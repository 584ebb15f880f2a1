"""A study: the runs of one Hydra multirun, below one MLflow parent run."""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from overcast.config import plain
from overcast.errors import UserError


@dataclass(frozen=True)
class Study:
    """id: tag on every run of it. parent: its MLflow run, "" with tracking off. jobs: runs at once."""

    id: str
    parent: str
    jobs: int = 1


_current: Study | None = None


def current() -> Study | None:
    """The study that this process's job belongs to."""
    return _current


class StudyCallback(Callback):  # type: ignore[misc] # hydra has no types
    """Opens the parent run before the jobs fan out, and closes it whatever happens."""

    study: Study | None = None
    record: Any = None

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        from overcast.tracking import Record, open_store

        name = f"sweep {datetime.now():%Y-%m-%d %H:%M:%S}"
        tracking = plain(config.tracking)
        try:
            store = open_store(tracking)
        except UserError:
            return  # callbacks can't stop a sweep; the first job meets the same trouble and says so
        record = store.create(name, {"role": "study", "study": name}) if store else Record()
        self.study = Study(name, record.id)
        self.record = record
        atexit.register(self._close, "KILLED")

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        self._close("FINISHED")

    def _close(self, status: str) -> None:
        if self.record is not None:
            self.record.end(status)
        self.record = None

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        global _current
        _current = self.study

    def __getstate__(self) -> dict[str, Any]:
        """What travels to a worker: the study, not the parent's record."""
        return {"study": self.study}
