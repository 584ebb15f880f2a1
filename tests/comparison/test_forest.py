"""The printed forest: a panel an outcome, the margin as a band, an interval and a marker a cell."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.comparison.figures import STYLES
from overcast.comparison.forest import forest_plot
from overcast.core.paths import ROOT
from overcast.html.figures import svg
from overcast.study.outcomes import families


@pytest.fixture
def table() -> pd.DataFrame:
    """As much of a comparison's table as is drawn."""
    rows = []
    for name, verdict in (("none", ""), ("noise", "better"), ("a+b $x^2$", "undecided")):
        row: dict[str, Any] = {"data": "sky", "cell": name, "is_baseline": not verdict, "pairs": 10 if verdict else 0}
        for number, column in enumerate(("gap/nll", "test/nll", "test/accuracy")):
            at = 0.1 * (number + 1) if verdict else np.nan
            row |= {f"change/{column}": at, f"change/{column}/low": at - 0.05, f"change/{column}/high": at + 0.05}
            row |= {f"verdict/{column}": verdict}
        rows.append(row)
    return pd.DataFrame(rows)


def test_a_panel_an_outcome_in_the_outcomes_units(table: pd.DataFrame) -> None:
    figure = forest_plot(table, families())
    assert figure is not None
    assert [axes.get_title().replace("\n", " ") for axes in figure.axes] == [
        "gap in negative log-likelihood", "test negative log-likelihood", "test accuracy",
    ]  # fmt: skip
    assert [axes.get_xlabel() for axes in figure.axes] == ["change, nats", "change, nats", "change, points"]
    names, _, accuracy = figure.axes
    assert [label.get_text() for label in names.get_yticklabels()] == ["a + b $x^2$", "noise"]  # the first on top
    interval, marker = accuracy.lines[3:5]
    np.testing.assert_allclose(interval.get_xdata(), [25, 35])
    np.testing.assert_allclose(marker.get_xdata(), [30])
    assert interval.get_color() == marker.get_color() == STYLES["better"][0]
    band = accuracy.patches[0].get_extents()
    np.testing.assert_allclose(accuracy.transData.inverted().transform(band)[:, 0], [-3, 3])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["better", "undecided"]


def test_names_are_no_formulas_and_its_bytes_are_its_own(table: pd.DataFrame) -> None:
    first, second = (forest_plot(table, families()) for _ in range(2))
    assert first is not None
    assert second is not None
    assert svg(first) == svg(second)


def test_where_nothing_is_compared_there_is_none(table: pd.DataFrame) -> None:
    assert forest_plot(table.assign(pairs=1), families()) is None


def test_the_documentation_draws_the_same(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "table.csv", index=False)
    draw = runpy.run_path(str(ROOT / "docs" / "forest.py"))["main"]
    draw(str(tmp_path / "table.csv"), str(tmp_path / "forest.png"), "nll=0.2")
    assert (tmp_path / "forest.png").read_bytes().startswith(b"\x89PNG")
