"""A study over several data sets: what it says in general."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from overcast.comparison import comparison_table, families
from overcast.comparison.general import GeneralReport, general_report
from overcast.html.page import Page, Table
from overcast.html.writer import render
from overcast.statistics.estimates import one_sample_t

JUDGED = families()


def report_on(trials: pd.DataFrame) -> GeneralReport | None:
    return general_report(trials, comparison_table(trials), JUDGED, {})


@pytest.fixture(scope="module")
def report(everywhere_trials: pd.DataFrame) -> GeneralReport:
    found = report_on(everywhere_trials)
    assert found is not None
    return found


def test_what_helps_everywhere_is_told_from_what_helps_here_and_hurts_there(report: GeneralReport) -> None:
    rows = report.table.set_index("cell")
    assert rows.loc["good", "verdict/test/nll"] == rows.loc["good", "verdict/gap/nll"] == "better"
    assert rows.loc["mixed", "verdict/test/nll"] == "undecided"
    assert rows.loc["noise", "verdict/test/accuracy"] == "equivalent"
    assert rows["pairs"].to_dict() == {"good": 4, "mixed": 4, "noise": 3}
    assert rows.loc["good", "between/test/accuracy"] < 0.01 < rows.loc["mixed", "between/test/accuracy"]
    assert rows.loc["good", "time"] == pytest.approx(1.2)


def test_the_mean_counts_each_data_set_once(everywhere_trials: pd.DataFrame, report: GeneralReport) -> None:
    table = comparison_table(everywhere_trials)
    changes = table.loc[table["mitigation"] == "mixed", "change/test/accuracy"]
    row = report.table.set_index("cell").loc["mixed"]
    mean = one_sample_t(changes)
    assert row["change/test/accuracy"] == pytest.approx(float(mean.mean))
    family = stats.t.isf(0.025 / 6, 3) * mean.standard_error  # three mitigations in two outcomes
    assert row["change/test/accuracy/high"] - row["change/test/accuracy"] == pytest.approx(float(family))
    new = np.sqrt(5) * mean.margin
    assert row["prediction/test/accuracy/high"] - row["change/test/accuracy"] == pytest.approx(float(new))


def test_in_words(report: GeneralReport) -> None:
    first, second, third, cost, new = report.headline.split("\n")
    assert first.startswith(
        "In general, over 4 data sets (sky, digits, speech and reviews), of 3 compared with none, "
        "1 reduces overfitting (gap in negative log-likelihood): good (−0.2"
    )
    assert "1 makes the model better (test negative log-likelihood): good (−0.2" in second
    assert "1 makes the model better (test accuracy): good (+" in third
    assert cost == "Each costs at most 1.2× the time at equal epochs."
    assert new.startswith("To be expected on one more data set too, each with 95 %: improvement by good in gap")
    assert report.sentences[0].startswith("good, 4 data sets: gap in negative log-likelihood −0.2")
    assert ", less overfitting, on a new one [−" in report.sentences[0]


def test_no_mitigation_may_be_sure_on_a_new_data_set(everywhere_trials: pd.DataFrame) -> None:
    found = report_on(everywhere_trials[everywhere_trials["mitigation"] != "good"])
    assert found is not None
    assert "Not one is sure to help on one more data set" in found.headline


def test_as_a_page(report: GeneralReport) -> None:
    page = render(Page("a", "b", report.sections, {}))
    assert "new data set" in page
    (table,) = report.sections[0].parts
    assert isinstance(table, Table)
    assert [row[0].text for row in table.cells] == ["good", "mixed", "noise"]
    assert table.cells[0][3].look == "better"


def diverging(trials: pd.DataFrame, cell: str, folds: int) -> GeneralReport:
    """What is said where a cell diverged on the last so many folds."""
    lost = (trials["cell"] == cell) & (trials["fold"] >= 5 - folds)
    trials = trials.assign(diverged=lost)
    trials.loc[lost, [name for name in trials if name.startswith(("test/", "gap/"))]] = np.nan
    found = report_on(trials)
    assert found is not None
    return found


@pytest.mark.parametrize("folds", [1, 4, 5])
def test_what_diverged_trials_flatter_is_not_judged(everywhere_trials: pd.DataFrame, folds: int) -> None:
    found = diverging(everywhere_trials, "sky · cnn · good", folds)
    row = found.table.set_index("cell").loc["good"]
    assert row["verdict/test/nll"] == row["verdict/gap/nll"] == "not judged"
    assert row["pairs"] == (4 if folds == 1 else 3)
    assert "improvement by good" not in found.headline
    (told,) = (line for line in found.sentences if line.startswith("good"))
    assert f"not judged: {folds} of its 20 trials diverged, and those that are left flatter it" in told


def test_a_data_set_on_which_the_baseline_diverged_has_no_other(everywhere_trials: pd.DataFrame) -> None:
    rows = diverging(everywhere_trials, "sky · cnn · none", 5).table.set_index("cell")
    assert rows["pairs"].to_dict() == {"good": 3, "mixed": 3, "noise": 2}
    assert rows.loc["good", "verdict/test/nll"] == "better"  # against the baseline's remaining trials, which flatter it


def test_with_one_repeat_on_each_data_set_nothing_is_judged(everywhere_trials: pd.DataFrame) -> None:
    found = report_on(everywhere_trials[everywhere_trials["fold"] == 0])
    assert found is not None
    assert "3 not judged" in found.headline
    assert set(found.table["pairs"]) == {0}


@pytest.mark.parametrize("many", [1, 2])
def test_few_data_sets_say_nothing_in_general(everywhere_trials: pd.DataFrame, many: int) -> None:
    some = everywhere_trials["data"].unique()[:many]
    assert report_on(everywhere_trials[everywhere_trials["data"].isin(some)]) is None


def test_a_mitigation_of_two_data_sets_is_not_judged(everywhere_trials: pd.DataFrame) -> None:
    gone = (everywhere_trials["data"] == "sky") & (everywhere_trials["mitigation"] == "noise")
    found = report_on(everywhere_trials[~gone])
    assert found is not None
    assert found.table.set_index("cell").loc["noise", "verdict/test/nll"] == "not judged"
    assert "on a new one –" in found.sentences[-1]


def test_two_networks_on_each_data_set_are_no_sample_of_data_sets(everywhere_trials: pd.DataFrame) -> None:
    names = everywhere_trials[["cell", "rest"]].replace(r"(cnn|dnn|lstm|ann)", "rnn", regex=True)
    other = everywhere_trials.assign(model="rnn", cell=names["cell"], rest=names["rest"])
    both = pd.concat([everywhere_trials, other], ignore_index=True)
    assert report_on(both) is None


def test_a_study_of_networks_has_no_mitigations_to_judge(everywhere_trials: Any) -> None:
    assert report_on(everywhere_trials[everywhere_trials["mitigation"] == "none"]) is None
