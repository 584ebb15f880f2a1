"""Windows over time: what data sets share whose samples are the steps before the one to be told."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overcast.core.errors import UserError
from overcast.data import DataSet, Sample


@dataclass(frozen=True)
class TimeSteps:
    """Steps in the order of time, one series after the other.

    names: (N,) of each step, told apart by them. values: (N, F) float32 or float64. labels: (N,) classes. series:
    (N,) the series that each step belongs to, "" throughout where there is but one.
    """

    names: list[str]
    values: np.ndarray
    labels: list[str]
    series: list[str]


class WindowedDataSet(DataSet):
    """A sample is named as the step whose label it has, and holds the ``window`` steps up to ``horizon`` before it.

    With horizon=0 the last step of the window is the labelled one itself. Several series are sources that no split
    cuts; a single one is cut by time, with as many rows unused between two parts as a sample looks back.
    """

    kind = "sequence"

    def __init__(self, window: int, horizon: int, by_time: bool) -> None:
        self.window, self.horizon = window, horizon
        self.by_time, self.gap, self.known = by_time, window - 1 + horizon, max(1, horizon)
        self._opened: dict[Path, tuple[TimeSteps, dict[str, int]]] = {}

    @abstractmethod
    def steps(self, raw: Path) -> TimeSteps:
        """Every step in ``raw``. Raises: UserError if the file is not what it should be."""

    def samples(self, raw: Path) -> list[Sample]:
        steps, _ = self._open(raw)
        names, labels, series = steps.names, steps.labels, steps.series
        whole = [i for i in range(self.gap, len(names)) if series[i - self.gap] == series[i]]
        if not whole:
            raise UserError(
                f"a window of {self.window} steps, {self.horizon} ahead, needs {self.gap + 1} rows of a series in the "
                f"order of time, but there are {len(names)} rows in all: choose a shorter window, or add rows."
            )
        return [Sample(names[i], labels[i], series[i]) for i in whole]

    def load(self, raw: Path, sample: Sample) -> np.ndarray:
        steps, place = self._open(raw)
        end = place[sample.file] - self.horizon + 1
        return steps.values[end - self.window : end]  # (T, F)

    def last(self, values: np.ndarray) -> np.ndarray:
        """The last window (T, F) of values (N, F): what tells the label of its last step, or of one yet to come.

        Raises: UserError, a short reason, if there are too few.
        """
        if len(values) < self.window:
            raise UserError(f"{len(values)} rows, but a window takes {self.window}")
        return values[-self.window :]

    def _open(self, raw: Path) -> tuple[TimeSteps, dict[str, int]]:
        """Read once a process: every sample comes from the same file."""
        if raw not in self._opened:
            steps = self.steps(raw)
            self._opened[raw] = steps, {name: i for i, name in enumerate(steps.names)}
        return self._opened[raw]
