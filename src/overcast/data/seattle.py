"""The weather of Seattle, day by day from 2012 to 2015: sun, fog, drizzle, rain or snow.

Its labels drift, as real ones do: from April 2013 on the station hardly wrote rain down, and wet days are fog; 21 of
the 23 days of snow are in 2012. So train and test part differ, and folds differ more. Seconds a run.
Source: NOAA, by way of ``vega-datasets`` 1.29 (from 2.0 on, wet days were relabelled as rain: a known other file).

    python pipelines/train.py data=seattle model=lstm
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import PositiveInt

from overcast.core.errors import UserError
from overcast.data import Sample
from overcast.data._windows import TimeSteps, WindowedDataSet
from overcast.fetch.manifest import verify
from overcast.fetch.source import get_archive
from overcast.readers.tables import Table, read_table

if TYPE_CHECKING:
    import pandas as pd

URL = "https://cdn.jsdelivr.net/npm/vega-datasets@1.29.0/data/seattle-weather.csv"
MANIFEST = Path(__file__).with_suffix(".sha256")
FILE = "seattle-weather.csv"
MEASURED = ("precipitation", "temp_max", "temp_min", "wind")
CLASSES = ("drizzle", "fog", "rain", "snow", "sun")
WEATHER = slice(len(MEASURED), len(MEASURED) + len(CLASSES))  # the features that say a day's class


class Seattle(WindowedDataSet):
    """Options: days, how many a sample looks back; same_day, to tell the weather of its last day, not the next.

    A step is a day (F = 11): the four measurements, its weather as one of five, sine and cosine of the time of year.
    With same_day the last step's weather is left out, being what is asked.
    """

    folds: ClassVar[int] = 3

    def __init__(self, days: PositiveInt = 7, same_day: bool = False) -> None:
        super().__init__(window=days, horizon=0 if same_day else 1, by_time=True)

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        get_archive(URL, mirror, FILE, raw)
        verify(raw, MANIFEST)

    def steps(self, raw: Path) -> TimeSteps:
        table = read_table(raw / FILE)
        names = [f"{FILE}:{day.date()}" for day in days_of(table)]
        return TimeSteps(names, features(table), table.column("weather", "weather").tolist(), [""] * len(names))

    def load(self, raw: Path, sample: Sample) -> np.ndarray:
        return self._asked(super().load(raw, sample))

    def read(self, path: Path) -> np.ndarray:
        return self._asked(self.last(features(read_table(path))))

    def _asked(self, days: np.ndarray) -> np.ndarray:
        """(T, F) without the weather that is to be told."""
        days = days.copy()
        if not self.horizon:
            days[-1, WEATHER] = 0
        return days


def features(table: Table) -> np.ndarray:
    """Each day as (N, F); a day whose weather is yet to be told has none of the five."""
    measured = [table.numbers(name, name) for name in MEASURED]
    weather = table.cells("weather", "weather")
    if other := sorted(set(weather) - {*CLASSES, ""}):
        raise UserError(f"{table.name}: weather {other[0]!r} is none of {', '.join(CLASSES)}.")
    one_hot = np.column_stack([weather == name for name in CLASSES])
    year = 2 * np.pi * days_of(table).dt.day_of_year / 365.25
    return np.column_stack([*measured, one_hot, np.sin(year), np.cos(year)]).astype(np.float32)


def days_of(table: Table) -> pd.Series:
    """The dates (N,). Raises: UserError where one is none, or is not the day after the one before."""
    days = table.dates("date", "date").dt.normalize()
    apart = days.diff().dt.days.iloc[1:]
    for line in apart[apart != 1].index[:1]:
        day, before = days[line].date(), days.shift()[line].date()
        raise UserError(f"{table.name}: line {line} is {day}, not the day after {before}: give every day once.")
    return days
