"""The figures show what was estimated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from overcast.comparison.factorial_design import interactions, main_effects, read_design
from overcast.comparison.factorial_figures import pairs_heatmap, recipe, sections
from overcast.comparison.factorial_recipe import confirm
from overcast.html.page import Figure, Section
from overcast.study.outcomes import PRIMARY, families

JUDGED = families()


@pytest.fixture
def design(factorial_trials: Any) -> Any:
    return read_design(factorial_trials, JUDGED, {})


def figure_of(section: Section) -> Any:
    (part,) = section.parts
    assert isinstance(part, Figure)
    return part.figure


def test_the_forest_has_a_panel_an_outcome_and_each_effect_in_it(design: Any) -> None:
    effects, together = main_effects(design, JUDGED), interactions(design, PRIMARY)
    _, forest, *_ = sections("cnn: ", effects, together, [], JUDGED, None)
    assert forest.title == "cnn: Effects"
    axes: dict[str, list[str]] = {}
    for trace in figure_of(forest).data:
        if trace.mode == "markers":
            axes.setdefault(trace.xaxis, []).extend(trace.y)
    assert {axis: sorted(names) for axis, names in axes.items()} == dict.fromkeys(
        ("x", "x2", "x3"), sorted(design.factors)
    )


def test_the_heat_map_is_symmetric_and_marks_what_is_clear(design: Any) -> None:
    (trace,) = figure_of(pairs_heatmap(interactions(design, PRIMARY), design.factors, PRIMARY)).data
    z = np.array(trace.z, float)
    assert np.isnan(np.diag(z)).all()
    assert np.array_equal(z, z.T, equal_nan=True)
    assert (trace.zmid, trace.zmin) == (0, -trace.zmax)
    marked = {(trace.y[i], trace.x[j]) for i, row in enumerate(trace.text) for j, text in enumerate(row) if "●" in text}
    assert marked == {("batch_norm", "dropout"), ("dropout", "batch_norm")}


def test_the_recipe_stands_beside_none_and_all(design: Any, factorial_folds: Any) -> None:
    confirmation = confirm(design, JUDGED, factorial_folds)
    assert confirmation is not None
    section = recipe(confirmation, PRIMARY)
    assert "the validation parts of folds 0, 1, 2, 3, tested on the test parts of folds 5, 6, 7, 8, 9" in section.text
    traces = {trace.name: trace for trace in figure_of(section).data}
    assert "none" in traces["measured"].y
    assert "all of them" in traces["predicted"].y
    shown = [x for trace in traces.values() for x in trace.x]
    assert sorted(shown) == pytest.approx(sorted(100 * confirmation.means["test/accuracy"].mean))
