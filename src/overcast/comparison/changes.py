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
    """The table without the verdicts that `unless_flattered` takes away.

    table: with ``diverged`` and ``baseline_diverged``; gets ``flattered``, whether a verdict of the row was such a one,
    now or before.
    """
    if "flattered" not in table:
        table["flattered"] = False
    for outcome in judged.judged:
        name = f"verdict/{outcome.column}"
        each = zip(table[name], table["diverged"], table["baseline_diverged"], strict=True)
        left = [unless_flattered(Verdict(found), *diverged).value if found else found for found, *diverged in each]
        table["flattered"] |= table[name] != left
        table[name] = left
    return table


def unless_flattered(found: Verdict, ours: int, theirs: int) -> Verdict:
    """None in favour of the side of which so many trials diverged: those that are left flatter it."""
    flattered = (found.direction > 0 and ours) or (found.direction < 0 and theirs)
    return Verdict.NOT_JUDGED if flattered else found
