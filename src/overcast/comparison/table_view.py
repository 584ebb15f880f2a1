"""The comparison's table as text: a line a cell of the study, a number and its interval in each field."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from overcast.comparison import OUTCOMES
from overcast.comparison.wording import CHANGE, cell, interval, number, places


class Field(NamedTuple):
    """What is read first, what stands beside it smaller, and what a column is sorted by."""

    text: str
    detail: str = ""
    value: float | str = ""


def heads() -> list[Field]:
    """The columns: the name and its unit or a word of explanation."""
    primary, *others = [Field(outcome.label, "%" if outcome.percent else "") for outcome in OUTCOMES]
    tests = [Field("p", "paired t, Holm"), Field("p", "overlap, Holm")]
    judged = [Field("change", "points"), Field("verdict"), *tests]
    return [Field("trial"), primary, *judged, *others, Field("train time", "× baseline")]


def lines(table: pd.DataFrame) -> list[list[Field]]:
    """One line a row of the table, in its order."""
    several, digits = table["data"].nunique() > 1, places(table)
    return [_line(row, digits, several) for _, row in table.iterrows()]


def markdown(table: pd.DataFrame) -> str:
    """The grid as a Markdown table."""
    rows = [heads(), [Field("---")] * len(heads()), *lines(table)]
    texts = [[f"{field.text} {field.detail}".strip().replace("|", "/") for field in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in texts) + "\n"


def _line(row: pd.Series, digits: int, several: bool) -> list[Field]:
    name = cell(row, several)
    primary, *others = [
        _measured(row, o.column, *((digits, 100.0) if o.percent else (3, 1.0)), sign=False) for o in OUTCOMES
    ]
    time = _measured(row, "time", 1, 1.0, sign=False)
    change = _measured(row, CHANGE, digits, 100.0, sign=True)
    tests = [Field(_p(row[key]), value=row[key]) for key in ("p_holm", "p_overlap_holm")]
    return [Field(name, value=name), primary, change, _verdict(row, digits), *tests, *others, time]


def _measured(row: pd.Series, column: str, digits: int, scale: float, sign: bool) -> Field:
    value = row.get(column, np.nan)
    known = np.isfinite(row.get(f"{column}/low", np.nan))
    return Field(number(value, digits, scale, sign), interval(row, column, digits, scale) if known else "", value)


def _verdict(row: pd.Series, digits: int) -> Field:
    if row["is_baseline"]:
        return Field("baseline")
    if row["pairs"] < 2:
        return Field("–", "needs at least 2 repeats")
    if row["clear"]:
        return Field("▲ clear" if row[CHANGE] > 0 else "▼ clear", "better" if row[CHANGE] > 0 else "worse")
    shown = 0 < row["detectable"] <= 1
    return Field("not clear", f"under {number(row['detectable'], digits)} points" if shown else "")


def _p(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
