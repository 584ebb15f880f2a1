"""The table as text: a line a cell, and what needs no network below its context."""

import pytest

from overcast.comparison import comparison_table, families, table_view
from overcast.comparison.predictor_table import predictor_table

JUDGED = families()


def test_the_grid_is_whole(compared):
    assert {len(line) for line in table_view.lines(compared, JUDGED)} == {len(table_view.heads(JUDGED))}
    written = table_view.markdown(compared, JUDGED).splitlines()
    assert len(written) == 2 + len(compared)
    assert len({line.count("|") for line in written}) == 1
    assert "nan" not in table_view.markdown(compared, JUDGED)


def test_each_judged_outcome_has_its_mean_its_change_and_its_verdict(compared):
    heads = [head.text for head in table_view.heads(JUDGED)]
    lines = {line[0].text: dict(zip(heads[1:4], line[1:4], strict=True)) for line in table_view.lines(compared, JUDGED)}
    assert heads[1:4] == ["gap in negative log-likelihood", "change", "verdict"]
    told = {cell: line["verdict"].text for cell, line in lines.items()}
    assert told == {
        "augmentation": "▲ less overfitting",
        "noise": "equivalent",
        "none": "baseline",
        "shrink": "▼ more overfitting",
    }
    assert [lines[cell]["verdict"].look for cell in told] == ["better", "", "baseline", "worse"]
    for _, row in compared.iterrows():
        assert float(lines[row["cell"]][heads[1]].text) == pytest.approx(row["gap/nll"], abs=5e-3)
    assert lines["augmentation"]["change"].text.startswith("−0.3")
    assert lines["augmentation"]["change"].detail.startswith("[−0.")


def test_what_is_not_judged_is_a_column_without_a_verdict(compared):
    heads = [head.text for head in table_view.heads(families(["accuracy"]))]
    assert heads.count("verdict") == 2
    assert {"test negative log-likelihood", "gap in accuracy", "test macro-F1"} < set(heads)


def test_a_summary_has_means_and_verdicts_of_what_is_judged_and_says_which_way_is_better(compared):
    heads, _, *rows = [line.strip("| ").split(" | ") for line in table_view.summary(compared, JUDGED).splitlines()]
    assert heads[1] == "gap in negative log-likelihood (lower is better)"
    assert heads[3:] == ["test accuracy (higher is better), %", "train time, × baseline"]
    assert [row[0] for row in rows] == list(compared["cell"])
    for row, line in zip(rows, table_view.lines(compared, JUDGED), strict=True):
        assert row[3].startswith(f"{line[7].text} [")
        assert row[3].endswith(f"] {line[9].text}")


def test_below_each_context_stands_what_needs_no_network(study, info):
    compared, predictors = comparison_table(study[0], info), predictor_table(study[0])
    lines = table_view.lines(compared, JUDGED, predictors)
    assert len({len(line) for line in lines}) == 1
    names = [line[0].text for line in lines]
    assert len(names) == len(compared) + len(predictors) == 24
    assert names[4:6] == names[10:12] == ["linear (no network)", "majority (no network)"]
    last = lines[5]
    at = 1 + 3 * [outcome.column for outcome in JUDGED.judged].index("test/accuracy")
    assert [field.text for field in last[at : at + 2]] == ["21.5", "–"]
    assert last[at + 2].text.endswith("none · train_fraction=0.5 is better")
    assert last[at + 2].detail == "+59.9 points"
    assert {field.text for field in last[1:at]} == {"–"}
    without = table_view.lines(compared, families(["nll"]), predictors)[5]
    assert [field.text for field in without if field.text != "–"] == ["majority (no network)", "21.5"]
