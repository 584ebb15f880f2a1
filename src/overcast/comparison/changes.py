"""How a change stands in a table: the difference, its interval and the verdict that is read off it, if any is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from overcast.statistics.estimates import Estimate
from overcast.statistics.verdicts import Verdict, verdicts
from overcast.study.outcomes import Families, Outcome


def change_columns(outcome: Outcome, estimate: Estimate) -> dict[str, list[Any]]:
    """``change/<outcome>`` with ``/low`` and ``/high``, and ``verdict/<outcome>``: of (C,) differences, or of one."""
    found = verdicts(estimate, outcome.margin, outcome.larger_is_better)
    ends = interval_columns(f"change/{outcome.column}", estimate)
    return {**ends, f"verdict/{outcome.column}": [each.value for each in found]}


def interval_columns(name: str, estimate: Estimate) -> dict[str, list[float]]:
    """``name``, ``name/low`` and ``name/high``: of (C,) estimates, or of one."""
    ends = {"": estimate.mean, "/low": estimate.low, "/high": estimate.high}
    return {f"{name}{end}": np.atleast_1d(np.asarray(values, float)).tolist() for end, values in ends.items()}


def not_flattered(table: pd.DataFrame, judged: Families) -> pd.DataFrame:
    """A verdict in favour of the side that has diverged trials is none: those that are left flatter it.

    table: with ``diverged`` and ``baseline_diverged``; gets ``flattered``, whether a verdict of the row was such a one.
    """
    table["flattered"] = False
    for outcome in judged.judged:
        name = f"verdict/{outcome.column}"
        directions = np.array([Verdict(each).direction if each else 0 for each in table[name]])
        flattered = np.where(directions > 0, table["diverged"] > 0, (directions < 0) & (table["baseline_diverged"] > 0))
        table[name] = table[name].where(~flattered, Verdict.NOT_JUDGED.value)
        table["flattered"] |= flattered
    return table
