"""A line a group, through the means of the repeats, with their intervals."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy import stats

from overcast.comparison.line_figure import line_figure

TITLES = ("x", "y")


def made(values: dict[tuple[str, int], list[float]]) -> pd.DataFrame:
    return pd.DataFrame([{"kind": kind, "x": x, "y": y} for (kind, x), ys in values.items() for y in ys])


def test_means_and_intervals_of_each_group() -> None:
    table = made({("a", 1): [0.1, 0.3], ("a", 2): [0.5], ("b", 1): [0.9, 0.9]})
    first, second = (
        line_figure("T", "c", table, x="x", y="y", group="kind", titles=TITLES, percent=True).parts[0].figure.data
    )
    assert (first.name, second.name) == ("a", "b")
    assert list(first.y) == pytest.approx([20, 50])
    assert list(second.error_y.array) == list(second.error_y.arrayminus) == [0]  # alike: they do not tell how far


def test_bars_are_intervals_within_what_a_percentage_can_be() -> None:
    table = made({("a", 1): [0.4, 0.42, 0.44], ("a", 2): [0.97, 1.0, 0.99]})
    (line,) = line_figure("T", "c", table, x="x", y="y", group="kind", titles=TITLES, percent=True).parts[0].figure.data
    low, high = stats.t.interval(0.95, 2, 42, stats.sem([40, 42, 44]))
    assert line.error_y.array[0] == pytest.approx((high - low) / 2)
    assert line.error_y.arrayminus[0] == pytest.approx((high - low) / 2)
    assert line.y[1] + line.error_y.array[1] == pytest.approx(100)


def test_numbers_however_small_are_drawn() -> None:
    table = made({("a", 1): [1e-12, 3e-12], ("a", 2): [1e-3, 1e-3]})
    (line,) = line_figure("T", "c", table, x="x", y="y", group="kind", titles=TITLES, log=["y"]).parts[0].figure.data
    assert list(line.y) == pytest.approx([2e-12, 1e-3])
