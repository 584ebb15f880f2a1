"""Each figure shows the numbers of the comparison's table, or of the curves."""

import numpy as np
import pandas as pd
import pytest

from overcast.comparison import comparison_table, families, figures
from overcast.html.label_placement import text_positions
from overcast.html.style import PARTS

JUDGED = families()


def figure_of(section):
    (part,) = section.parts
    return part.figure


def titles(drawn):
    return [picture.title for picture in drawn]


def test_a_study_of_mitigations_has_no_heat_map_and_no_data_size(compared, small):
    told = titles(figures.study_figures(compared, *small, JUDGED))
    assert told == ["What each one changes", "Accuracy against the gap", "Learning curves, by epoch"]


def test_a_study_of_everything_has_every_picture(study, info):
    assert len(figures.study_figures(comparison_table(study[0], info), *study, JUDGED)) == 5


def test_one_cell_and_no_curves_still_draw(small, info):
    trials = small[0][small[0]["mitigation"] == "none"]
    drawn = figures.study_figures(comparison_table(trials, info), trials, pd.DataFrame(), JUDGED)
    assert titles(drawn) == ["Accuracy against the gap"]


def panel(figure, number):
    """The traces, and the shapes, of one panel."""
    axis = "x" if number == 1 else f"x{number}"
    of_axis = [[each for each in some if each.xref == axis] for some in (figure.layout.shapes,)]
    return [trace for trace in figure.data if (trace.xaxis or "x") == axis], *of_axis


def test_the_forest_has_a_panel_an_outcome_with_its_changes_and_intervals(compared):
    figure = figure_of(figures.forest(compared, JUDGED))
    assert [each.text for each in figure.layout.annotations] == [outcome.label for outcome in JUDGED.judged]
    rows = compared[~compared["is_baseline"]].set_index("cell")
    for number, outcome in enumerate(JUDGED.judged, 1):
        traces, _ = panel(figure, number)
        column, scale = f"change/{outcome.column}", outcome.scale
        shown = {
            name: x for trace in traces if trace.mode == "markers" for name, x in zip(trace.y, trace.x, strict=True)
        }
        assert shown == pytest.approx((scale * rows[column]).to_dict())
        lines = [trace for trace in traces if trace.mode == "lines"]
        limits = np.concatenate([np.asarray(trace.x, float) for trace in lines]).reshape(-1, 3)[:, :2]
        names = [name for trace in lines for name in trace.y[::3]]
        ends = scale * rows.loc[names, [f"{column}/low", f"{column}/high"]]
        assert limits == pytest.approx(ends.to_numpy())
        assert figure.layout[f"xaxis{number if number > 1 else ''}"].title.text == outcome.unit


def test_the_forest_shows_each_margin_as_a_band_around_zero(compared):
    judged = families(["accuracy"], {"accuracy": 0.02, "gap_nll": 0.3})
    figure = figure_of(figures.forest(compared, judged))
    for number, margin in ((1, 0.3), (2, 2.0)):
        _, shapes = panel(figure, number)
        bands = [(shape.x0, shape.x1) for shape in shapes if shape.type == "rect"]
        assert bands == [(-margin, margin)]
        assert [(shape.x0, shape.x1) for shape in shapes if shape.type == "line"] == [(0, 0)]


def test_the_forest_tells_verdicts_apart_not_by_colour_alone(compared):
    kinds = compared["cell"].map({"augmentation": "slightly better", "noise": "undecided", "shrink": "worse"})
    table = compared.assign(**{"verdict/test/accuracy": kinds.fillna("")})
    figure = figure_of(figures.forest(table, JUDGED))
    traces, _ = panel(figure, 3)
    markers = {trace.y[0]: (trace.name, trace.marker.symbol) for trace in traces if trace.mode == "markers"}
    assert markers == {
        "augmentation": ("better", "circle"),
        "noise": ("undecided", "circle-open"),
        "shrink": ("worse", "diamond"),
    }
    legend = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(legend) == ["better", "equivalent", "undecided", "worse"]  # once each over all panels


def test_accuracy_against_the_gap_has_a_point_a_cell_with_its_intervals(compared):
    data = figure_of(figures.accuracy_against_gap(compared, JUDGED)).data
    points = {
        name: (x, y, wide, high)
        for trace in data
        for name, x, y, wide, high in zip(
            trace.text, trace.x, trace.y, trace.error_x.array, trace.error_y.array, strict=True
        )
    }
    table = (
        100 * compared.set_index("cell")[["gap/accuracy", "gap/accuracy/high", "test/accuracy", "test/accuracy/high"]]
    )
    for name, (gap, gap_high, accuracy, high) in zip(table.index, table.to_numpy(), strict=True):
        half = np.nan_to_num([gap_high - gap, high - accuracy])  # none where all repeats are the same
        assert points[name] == pytest.approx((gap, accuracy, *half))
    assert len({trace.marker.symbol for trace in data}) == 4  # the baseline, better, worse and equivalent


def test_the_heat_map_has_a_row_a_context_and_marks_what_is_better_or_worse(study, info):
    compared = comparison_table(study[0], info)
    (heat,) = figure_of(figures.heatmap(compared, JUDGED)).data
    assert sorted(heat.y) == sorted(compared["context"].unique())
    assert heat.x[0] == "none"
    for _, row in compared.iterrows():
        at = list(heat.y).index(row["context"]), list(heat.x).index(row["mitigation"])
        change = 0 if row["is_baseline"] else 100 * row["change/test/accuracy"]
        assert np.asarray(heat.z, float)[at] == pytest.approx(change)
        text = np.asarray(heat.text)[at]
        assert f"{100 * row['test/accuracy']:.1f}" in text
        assert ("●" in text) == (row["verdict/test/accuracy"].removeprefix("slightly ") in ("better", "worse"))
    assert 0 < str(list(heat.text)).count("●") < len(compared)


def test_where_accuracy_is_not_judged_figures_show_the_first_outcome_that_is(compared, study, info):
    judged = families(["nll"])
    table = comparison_table(study[0], info | {"families": judged}).assign(**{"verdict/test/nll": "undecided"})
    assert "●" not in str(list(figure_of(figures.heatmap(table, judged)).data[0].text))
    assert figures.heatmap(table, judged).text.endswith("better or worse in test negative log-likelihood.")


def test_data_size_has_a_panel_a_network_and_a_line_a_mitigation(study, info):
    compared = comparison_table(study[0], info)
    figure = figure_of(figures.data_size(compared))
    assert [annotation.text for annotation in figure.layout.annotations] == ["ann", "cnn"]
    for panel, network in (("x", "ann"), ("x2", "cnn")):
        lines = {trace.name: trace for trace in figure.data if trace.xaxis == panel}
        for name, some in compared[compared["model"] == network].groupby("mitigation"):
            some = some.sort_values("train_fraction")
            assert list(lines[name].x) == [50, 100]
            assert list(lines[name].y) == pytest.approx(100 * some["test/accuracy"])
            margins = 100 * (some["test/accuracy/high"] - some["test/accuracy"])
            assert list(lines[name].error_y.array) == pytest.approx(margins)


def test_learning_curves_have_a_thin_line_a_repeat_and_their_mean(small):
    trials, curves = small
    figure = figure_of(figures.learning(trials, curves))
    assert [a.text for a in figure.layout.annotations] == ["none", "augmentation", "shrink", "noise"]
    assert len(figure.data) == 4 * 2 * 2 * 2
    of_none = curves[curves["run_id"].isin(trials[trials["cell"] == "none"]["run_id"])]
    every, mean = figure.data[:2]
    assert every.line.width < 1 < mean.line.width
    assert list(every.x) == [1, 2, 3, None] * 4
    runs = np.array(every.y, float).reshape(4, 4)[:, :3]  # a gap between runs, so that no line joins them
    assert runs == pytest.approx(of_none["train/nll"].to_numpy().reshape(4, 3), abs=1e-3)
    assert list(mean.y) == pytest.approx(of_none.groupby("epoch")["train/nll"].mean().to_list())
    for trace in figure.data:
        style = PARTS[trace.name]
        assert trace.line.color == style.colour
        assert trace.line.dash in (None, style.dash)
    assert [t.line.dash for t in figure.data[1:4:2]] == [style.dash for style in PARTS.values()]
    assert sum(bool(t.showlegend) for t in figure.data[:4]) == 2
    shown = sum(bool(t.visible) for t in figure.data)
    assert shown == sum(figure.layout.updatemenus[0].buttons[0].args[0]["visible"]) == 16


def test_runs_that_stopped_early_leave_their_epochs_to_the_others(small):
    trials, curves = small
    first = trials["run_id"].iloc[0]
    stopped = curves[~((curves["run_id"] == first) & (curves["epoch"] > 1))]
    every, mean = figure_of(figures.learning(trials, stopped)).data[:2]
    assert list(every.x)[:4] == [1, None, 1, 2]
    left = curves[curves["run_id"].isin(trials[trials["cell"] == "none"]["run_id"]) & (curves["run_id"] != first)]
    assert mean.y[2] == pytest.approx(left[left["epoch"] == 3]["train/nll"].mean())


def test_one_epoch_is_seen_too(small):
    trials, curves = small
    last = figure_of(figures.learning(trials, curves[curves["epoch"] == 1])).data[1]
    assert (len(last.x), last.mode) == (1, "markers")


def test_labels_keep_off_each_other():
    same = text_positions(np.array([0.0, 0.0, 10.0]), np.array([0.0, 0.0, 1.0]), ["one", "two", "three"])
    assert same[0] != same[1]
