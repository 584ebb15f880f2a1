"""A change as the columns of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from overcast.comparison.changes import change_columns, interval_columns, not_flattered
from overcast.statistics.estimates import Estimate
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import GAP, PRIMARY, Families


def test_a_change_has_its_interval_and_its_verdict() -> None:
    estimate = Estimate(np.array([-0.5, 0.5, 0.0]), np.array([0.01, 0.01, np.nan]), np.full(3, 9.0))
    columns = change_columns(GAP, estimate)
    assert list(columns) == ["change/gap/nll", "change/gap/nll/low", "change/gap/nll/high", "verdict/gap/nll"]
    assert columns["verdict/gap/nll"] == ["better", "worse", "not judged"]  # a smaller gap is better
    assert columns["change/gap/nll/low"] == pytest.approx(estimate.low.tolist(), nan_ok=True)


def test_a_verdict_in_favour_of_the_side_that_diverged_is_none() -> None:
    found = [each.value for each in (Verdict.BETTER, Verdict.WORSE, Verdict.BETTER, Verdict.WORSE, Verdict.EQUIVALENT)]
    table = pd.DataFrame({"diverged": [1, 1, 0, 0, 1], "baseline_diverged": [0, 0, 1, 1, 1]})
    judged = Families((PRIMARY,), (GAP,))
    table["verdict/gap/nll"], table["verdict/test/accuracy"] = found, ""
    told = not_flattered(table, judged)
    assert told["verdict/gap/nll"].tolist() == ["not judged", "worse", "better", "not judged", "equivalent"]
    assert told["flattered"].tolist() == [True, False, False, True, False]


def test_one_estimate_is_a_column_of_one() -> None:
    one = Estimate(np.asarray(0.5), np.asarray(0.01), np.asarray(9.0))
    assert change_columns(GAP, one)["verdict/gap/nll"] == ["worse"]
    assert interval_columns("time", one)["time"] == [0.5]
