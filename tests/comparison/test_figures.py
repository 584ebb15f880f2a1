import numpy as np
import pandas as pd
import pytest

from overcast.comparison import comparison_table, figures
from overcast.html.label_placement import text_positions
from overcast.html.style import PARTS


def figure_of(section):
    (part,) = section.parts
    return part.figure


def titles(drawn):
    return [picture.title for picture in drawn]


def test_a_study_of_mitigations_has_no_heat_map_and_no_data_size(compared, small):
    told = titles(figures.study_figures(compared, *small))
    assert told == ["What each one changes", "Accuracy against the gap", "Learning curves, by epoch"]


def test_a_study_of_everything_has_every_picture(study, info):
    assert len(figures.study_figures(comparison_table(study[0], info), *study)) == 5


def test_one_cell_and_no_curves_still_draw(small, info):
    trials = small[0][small[0]["mitigation"] == "none"]
    drawn = figures.study_figures(comparison_table(trials, info), trials, pd.DataFrame())
    assert titles(drawn) == ["Accuracy against the gap"]


def test_the_forest_shows_the_change_and_both_intervals(compared):
    data = figure_of(figures.forest(compared)).data
    got = {name: x for trace in data if trace.mode == "markers" for name, x in zip(trace.y, trace.x, strict=True)}
    expected = compared[~compared["is_baseline"]].set_index("cell")["change/test/accuracy"] * 100
    assert got == pytest.approx(expected.to_dict())
    assert len({trace.marker.symbol for trace in data if trace.mode == "markers"}) == 3  # not by colour alone
    thick, thin = (np.nanmax(np.ptp(_ends(data, width), axis=1)) for width in (4, 1))
    assert thin > thick


def _ends(data, width):
    lines = [np.asarray(t.x, float) for t in data if t.mode == "lines" and t.line.width == width]
    return np.concatenate(lines).reshape(-1, 3)[:, :2]


def test_accuracy_against_the_gap_has_a_point_a_cell_with_its_intervals(compared):
    data = figure_of(figures.accuracy_against_gap(compared)).data
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
        assert points[name] == pytest.approx((gap, accuracy, gap_high - gap, high - accuracy))
    assert len({trace.marker.symbol for trace in data}) == 4  # the baseline, better, worse and not clear


def test_the_heat_map_has_a_row_a_context_and_marks_what_is_clear(study, info):
    compared = comparison_table(study[0], info)
    (heat,) = figure_of(figures.heatmap(compared)).data
    assert sorted(heat.y) == sorted(compared["context"].unique())
    assert heat.x[0] == "none"
    for _, row in compared.iterrows():
        at = list(heat.y).index(row["context"]), list(heat.x).index(row["mitigation"])
        change = 0 if row["is_baseline"] else 100 * row["change/test/accuracy"]
        assert np.asarray(heat.z, float)[at] == pytest.approx(change)
        text = np.asarray(heat.text)[at]
        assert f"{100 * row['test/accuracy']:.2f}" in text
        assert ("●" in text) == row["clear"]


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


def test_learning_curves_have_a_panel_a_cell_and_bands(small):
    figure = figure_of(figures.learning(*small))
    assert [a.text for a in figure.layout.annotations] == ["none", "augmentation", "shrink", "noise"]
    assert len(figure.data) == 4 * 2 * 2 * 2
    for trace in figure.data:  # a band, whose name is hidden, and a line each
        style = PARTS[trace.name]
        assert (trace.fillcolor or trace.line.color) == style.colour
        assert trace.line.dash in (None, style.dash)
    assert [t.line.dash for t in figure.data[1:4:2]] == [style.dash for style in PARTS.values()]
    assert min(min(t.x) for t in figure.data) == 1  # the first epoch
    shown = sum(bool(t.visible) for t in figure.data)
    assert shown == sum(figure.layout.updatemenus[0].buttons[0].args[0]["visible"]) == 16


def test_runs_that_stopped_early_leave_their_epochs_to_the_others(small):
    trials, curves = small
    stopped = curves[~((curves["run_id"] == trials["run_id"].iloc[0]) & (curves["epoch"] > 1))]
    last = figure_of(figures.learning(trials, stopped)).data[1]
    assert len(last.x) == 3
    assert np.isfinite(np.asarray(last.y, float)).all()


def test_one_epoch_is_seen_too(small):
    trials, curves = small
    last = figure_of(figures.learning(trials, curves[curves["epoch"] == 1])).data[1]
    assert (len(last.x), last.mode) == (1, "markers")


def test_labels_keep_off_each_other():
    same = text_positions(np.array([0.0, 0.0, 10.0]), np.array([0.0, 0.0, 1.0]), ["one", "two", "three"])
    assert same[0] != same[1]
