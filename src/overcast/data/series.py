"""Anyone's series over time: a csv with a row a step, a column with the class, and columns of numbers.

``python pipelines/download.py data=series data.path=/machine.csv data.label=state data.time=when data.window=24``
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from overcast.core.errors import UserError
from overcast.data import Column, Name
from overcast.data._windows import TimeSteps, WindowedDataSet
from overcast.fetch.left_out import Line, keep_left_out
from overcast.fetch.walk import as_on_disk
from overcast.readers.tables import Table, read_table

if TYPE_CHECKING:
    import pandas as pd

COARSEST = 1e-3
"""Of the span of nine tenths of a column, that may be lost in rounding."""


class Series(WindowedDataSet):
    """Options: path of the csv; label, the column with the class; time, one to sort by (none: as the rows come);
    series, one that names independent series (none: all are one, cut by time); features, the columns of numbers to
    learn from (none: all others); window, the steps of a sample; horizon, how many steps after them to tell.
    """

    raw_options: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        path: Name,
        label: Column,
        time: Column | None = None,
        series: Column | None = None,
        features: tuple[Column, ...] = (),
        window: PositiveInt = 16,
        horizon: NonNegativeInt = 1,
    ) -> None:
        super().__init__(window, horizon, by_time=series is None)
        self.path, self.label, self.time, self.series, self.features = path, label, time, series, features

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        source = as_on_disk(Path(self.path).expanduser())
        if not source.is_file():
            raise UserError(f"data.path: there is no file {source}: give a csv with a row a step.")
        shutil.copyfile(source, raw / Path(self.path).name)
        self.samples(raw)  # what is wrong with the table is better said now
        keep_left_out(raw, constant_columns(self._values(read_table(raw / Path(self.path).name)), source.name))

    def steps(self, raw: Path) -> TimeSteps:
        table = read_table(raw / Path(self.path).name)
        labels = table.column("data.label", self.label)
        series = table.column("data.series", self.series) if self.series else None
        values, order = self._values(table), self._order(table, series)
        check_precision(table.name, values)
        names = [f"{table.name}:{line}" for line in order]
        groups = [""] * len(names) if series is None else series.loc[order].tolist()
        return TimeSteps(names, values.loc[order].to_numpy(), labels.loc[order].tolist(), groups)

    def read(self, path: Path) -> np.ndarray:
        table = read_table(path)
        known = self.series in table.frame  # a file of one series need not name it
        series = table.column("data.series", self.series) if self.series and known else None
        if series is not None and series.nunique() > 1:
            raise UserError(f"{series.nunique()} series: give each in a file of its own")
        return self.last(self._values(table).loc[self._order(table, series)].to_numpy())

    def _values(self, table: Table) -> pd.DataFrame:
        """(N, F) float64, the features by name: new files may have their columns in another order."""
        import pandas as pd

        others = sorted(set(table.frame) - {self.label, self.time, self.series})
        names = self.features or others
        if not self.features and table.unnamed:
            raise UserError(
                f"data.features: {table.unnamed[0]} of {table.name} has no name: is it an index, which tells the time? "
                "Name the columns to learn from, or give it a name."
            )
        if not names or (self.label in names and not self.horizon):
            what = f"{self.label} is what is to be told" if names else f"{table.name} has label, time and series alone"
            raise UserError(f"data.features: {what}: name columns of numbers to learn from.")
        return pd.concat([table.numbers("data.features", name) for name in names], axis=1)

    def _order(self, table: Table, series: pd.Series | None) -> pd.Index:
        """The rows' lines by series, then by time. Raises: UserError where a series has one time twice."""
        keys = table.frame[[]].copy()
        if series is not None:
            keys["series"] = series
        if self.time is not None:
            keys["time"] = table.times("data.time", self.time)
        keys = keys.sort_values(list(keys), kind="stable")
        twice = keys.duplicated().to_numpy() if self.time is not None else np.zeros(0, bool)
        for row in np.flatnonzero(twice)[:1]:
            raise UserError(
                f"data.time: lines {keys.index[row - 1]} and {keys.index[row]} of {table.name} have the same "
                f"{self.time}: if they are of different series, name the column that says which by data.series."
            )
        return keys.index


def check_precision(name: str, values: pd.DataFrame) -> None:
    """Raises: UserError for a column of values (N, F) whose usual ones a single one makes alike in float32.

    A pack holds its columns in float32, about their mean.
    """
    distance = values - values.mean()
    scale = distance.abs().max().replace(0, 1)
    lost = ((distance / scale).astype(np.float32) * scale - distance).abs().max()
    usual = values.quantile(0.95) - values.quantile(0.05)
    for column in lost.index[(usual > 0) & (lost > COARSEST * usual)]:
        line = distance[column].abs().idxmax()
        raise UserError(
            f"data.features: line {line} of {name} has {values[column][line]:g} in column {column}, so far from the "
            "rest that nothing is left of how those differ: correct it, or leave the column out by naming the others."
        )


def constant_columns(values: pd.DataFrame, name: str) -> list[Line]:
    """A line of the audit table for each column of values (N, F) that is always the same."""
    return [
        (name, "constant", f"column {column} is always {values[column].iloc[0]:g}: nothing can be learned from it")
        for column in values.columns[(values == values.iloc[0]).all()]
    ]
