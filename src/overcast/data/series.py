"""Anyone's series over time: a csv with a row a step, a column with the class, and columns of numbers.

``python pipelines/download.py data=series data.path=~/machine.csv data.label=state data.time=when data.window=24``
"""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from overcast.errors import UserError
from overcast.prepare.tables import Table, read_table
from overcast.prepare.windows import Steps, Windows


class Series(Windows):
    """Options: path of the csv; label, the column with the class; time, one to sort by (none: as the rows come);
    series, one that names independent series (none: all are one, cut by time); features, the columns of numbers to
    learn from (none: all others); window, the steps of a sample; ahead, how many steps after them to tell.
    """

    raw_options: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        path: str,
        label: str,
        time: str | None = None,
        series: str | None = None,
        features: tuple[str, ...] = (),
        window: PositiveInt = 16,
        ahead: NonNegativeInt = 1,
    ) -> None:
        super().__init__(window, ahead, by_time=series is None)
        self.path, self.label, self.time, self.series, self.features = path, label, time, series, features

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        source = Path(self.path).expanduser()
        if not source.is_file():
            raise UserError(f"data.path: there is no file {source}: give a csv with a row a step.")
        shutil.copyfile(source, raw / source.name)
        self.samples(raw)  # what is wrong with the table is better said now

    def steps(self, raw: Path) -> Steps:
        table = read_table(raw / Path(self.path).name)
        labels = table.column("data.label", self.label)
        series = table.column("data.series", self.series) if self.series else [""] * len(labels)
        values, order = self._values(table), self._order(table, series)
        names = [f"{table.name}:{table.lines[i]}" for i in order]
        return Steps(names, values[order], [labels[i] for i in order], [series[i] for i in order])

    def read(self, path: Path) -> np.ndarray:
        table = read_table(path)
        known = self.series and self.series in table.columns  # a file of one series need not name it
        series = table.column("data.series", self.series) if self.series and known else [""] * len(table.lines)
        if len(set(series)) > 1:
            raise UserError(f"{len(set(series))} series: give each in a file of its own")
        return self.last(self._values(table)[self._order(table, series)])

    def _values(self, table: Table) -> np.ndarray:
        """(N, F) float32, the features by name: new files may have their columns in another order."""
        others = sorted(table.columns.keys() - {self.label, self.time, self.series})
        names = self.features or others
        if not names or (self.label in names and not self.ahead):
            what = f"{self.label} is what is to be told" if names else f"{table.name} has label, time and series alone"
            raise UserError(f"data.features: {what}: name columns of numbers to learn from.")
        return np.column_stack([table.numbers("data.features", name) for name in names])

    def _order(self, table: Table, series: list[str]) -> list[int]:
        """The rows by series, then by time. Raises: UserError where a series has one time twice."""
        if self.time is None:
            return sorted(range(len(series)), key=series.__getitem__)
        when = table.times("data.time", self.time)
        order = sorted(range(len(series)), key=lambda i: (series[i], when[i]))
        for a, b in pairwise(order):
            if (series[a], when[a]) == (series[b], when[b]):
                raise UserError(
                    f"data.time: lines {table.lines[a]} and {table.lines[b]} of {table.name} have the same "
                    f"{self.time}: if they are of different series, name the column that says which by data.series."
                )
        return order
