"""A sequential study: what is decided stops with the verdict it had, and nothing is looked at before it is whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from overcast.comparison import OUTCOMES
from overcast.comparison.headline import headline
from overcast.comparison.intervals import looks_section
from overcast.comparison.notes import study_notes
from overcast.comparison.sequential import look_tables, sequential_notes, stopped_cells
from overcast.comparison.table import comparison_table
from overcast.study.outcomes import families

INFO: dict[str, Any] = {"looks": [4, 6, 8], "families": families(("accuracy",)), "runs": 24, "done": 20}


def made(effects: dict[str, float], folds: int = 8, spread: float = 0.004) -> pd.DataFrame:
    """Trials of a context: of each cell by how much its accuracy, and the likelihood of its gap, differ from none."""
    draw, rows = np.random.default_rng(2).normal, []
    for name, effect in {"none": 0.0, **effects}.items():
        for fold in range(folds):
            row = dict.fromkeys((outcome.column for outcome in OUTCOMES), 0.3)
            row |= {"test/accuracy": 0.8 + effect + draw(0, spread), "gap/nll": 0.5 - 10 * effect + draw(0, spread)}
            row |= {"data": "sky", "model": "cnn", "mitigation": name, "cell": name, "train_fraction": 1.0, "epochs": 5}
            row |= {"run_id": f"{name}{fold}", "identity": f"id of {name}", "fold": fold, "seed": 0, "seconds": 1.0}
            rows.append(row | {"repeat": f"{fold}-0", "diverged": False})
    return pd.DataFrame(rows)


def test_what_is_decided_stops_at_the_look_that_decided_it() -> None:
    trials = made({"good": 0.1, "half": 0.012}, spread=0.008)
    table = look_tables(trials, INFO, {})[-1].set_index("cell")
    assert (table.at["good", "stopped"], table.at["good", "look"]) == ("decided", 4)
    first = comparison_table(trials[trials["fold"] < 4], INFO, {}, alpha=0.05 * (4 / 8) ** 2).set_index("cell")
    for column in ("change/test/accuracy/low", "change/gap/nll/high"):
        assert table.at["good", column] == first.at["good", column]
    assert (table.at["half", "look"], table.at["none", "look"]) == (6, 6)  # nothing is left to decide by eight folds


def test_what_cannot_be_decided_any_more_stops_too() -> None:
    noisy = made({"vague": 0.0}, spread=0.2)
    table = look_tables(noisy, INFO, {})[-1].set_index("cell")
    assert (table.at["vague", "stopped"], table.at["vague", "look"]) == ("futile", 4)
    assert "vague" in " ".join(sequential_notes(table.reset_index(), INFO))


def test_a_context_that_is_through_needs_its_control_no_more() -> None:
    trials = made({"good": 0.1}, folds=4)
    assert stopped_cells(look_tables(trials, INFO, {})[-1], trials) == {"id of good", "id of none"}
    going = made({"good": 0.1, "half": 0.03}, folds=4, spread=0.01)
    stopped = stopped_cells(look_tables(going, INFO, {})[-1], going)
    assert "id of none" not in stopped


def test_a_look_waits_until_every_cell_that_goes_on_has_its_folds() -> None:
    trials = made({"half": 0.012}, spread=0.008)
    assert look_tables(trials, INFO, {})[-1]["look"].max() == 6
    partly = trials[~((trials["cell"] == "half") & (trials["fold"] == 5))]
    assert look_tables(partly, INFO, {})[-1]["look"].max() == 4


def test_nothing_is_judged_before_the_first_block_is_whole() -> None:
    trials = made({"good": 0.1, "half": 0.02}, folds=3)
    (table,) = look_tables(trials, INFO, {})
    compared = table[~table["is_baseline"]]
    assert set(compared["verdict/test/accuracy"]) == set(compared["verdict/gap/nll"]) == {"not judged"}
    assert compared["change/test/accuracy/low"].isna().all()
    assert compared["change/test/accuracy"].notna().all()
    assert stopped_cells(table, trials) == set()
    assert list(table["planned"]) == [3, 3, 3]
    (note,) = sequential_notes(table, INFO)
    assert note.startswith("Sequential: looks after 4, 6, 8 folds are planned. There was no look yet")
    (planned,) = look_tables(trials, INFO | {"repeats": 8}, {})
    told = study_notes(planned, INFO | {"looked": [note], "unfinished": 15})
    assert "15 of 24 planned trials are missing." in told
    assert "good: 3 of 8 repeats finished." in told
    assert not any("would decide" in line for line in told)
    assert "2 not judged" in headline(table, INFO["families"])
    assert looks_section([table], INFO["families"]) is None


def test_a_first_block_of_which_nothing_finished_is_no_look() -> None:
    trials = made({"good": 0.1})
    outcomes = [name for name in trials if name.startswith(("test/", "gap/"))]
    trials.loc[trials["fold"] < 4, outcomes] = np.nan
    (table,) = look_tables(trials.assign(diverged=trials["fold"] < 4), INFO, {})
    assert table["look"].max() == 0


def test_what_is_decided_in_one_outcome_freezes_no_other_of_a_longer_name() -> None:
    (accuracy,) = families(("accuracy",)).better
    second = replace(accuracy, column="test/accuracy_top2")
    judged = replace(families(("accuracy",)), better=(accuracy, second), described=())
    trials = made({"half": 0.1}, spread=0.004)
    noise = np.random.default_rng(5).normal(0, 0.01, len(trials))
    trials["test/accuracy_top2"] = 0.9 + 0.05 * (trials["cell"] == "half") + noise
    first, second_look, *_ = look_tables(trials, INFO | {"families": judged}, {})
    rows = [table.set_index("cell").loc["half"] for table in (first, second_look)]
    assert rows[0]["change/test/accuracy/low"] == rows[1]["change/test/accuracy/low"]
    assert rows[0]["change/test/accuracy_top2"] != rows[1]["change/test/accuracy_top2"]


def test_what_was_better_at_a_look_is_not_if_a_trial_diverges_later() -> None:
    """Nor is it taken for decided: its other outcome has it go on."""
    trials = made({"half": 0.02}, spread=0.001)
    trials["test/accuracy"] += np.random.default_rng(1).normal(0, 0.02, len(trials))
    outcomes = [name for name in trials if name.startswith(("test/", "gap/"))]
    gone = (trials["cell"] == "half") & (trials["fold"] == 5)
    diverged = trials.assign(diverged=gone, **{name: trials[name].mask(gone) for name in outcomes})
    whole, lost = (look_tables(some, INFO, {}) for some in (trials, diverged))
    first = whole[0].set_index("cell").loc["half"]
    assert (first["verdict/gap/nll"], first["stopped"]) == ("better", "")
    second = [tables[1].set_index("cell").loc["half"] for tables in (whole, lost)]
    assert [row["verdict/gap/nll"] for row in second] == ["better", "not judged"]
    assert [row["flattered"] for row in second] == [False, True]


def test_what_stopped_and_diverged_in_the_next_block_is_not_called_better_either() -> None:
    """A study that is resumed may have such trials already."""
    trials = made({"good": 0.1})
    outcomes = [name for name in trials if name.startswith(("test/", "gap/"))]
    gone = (trials["cell"] == "good") & (trials["fold"] == 5)
    late = trials.assign(diverged=gone, **{name: trials[name].mask(gone) for name in outcomes})
    row = look_tables(late, INFO, {})[-1].set_index("cell").loc["good"]
    assert (row["stopped"], row["look"], row["diverged"]) == ("decided", 4, 1)
    assert row["verdict/test/accuracy"] == row["verdict/gap/nll"] == "not judged"


def test_nothing_stops_against_what_stands_in_for_a_control_that_diverged() -> None:
    trials = made({"good": 0.1, "vague": 0.0})
    outcomes = [name for name in trials if name.startswith(("test/", "gap/"))]
    gone = trials["cell"] == "none"
    tables = look_tables(trials.assign(diverged=gone, **{name: trials[name].mask(gone) for name in outcomes}), INFO, {})
    assert {stopped for table in tables for stopped in table["stopped"]} == {""}


def test_a_study_that_was_cut_short_is_not_said_to_be_enough() -> None:
    trials = made({"good": 0.1, "half": 0.02}, spread=0.01)
    some = trials[(trials["fold"] < 5) & ~((trials["cell"] == "good") & (trials["fold"] > 3))]
    table = look_tables(some, INFO, {})[-1]
    assert dict(zip(table["cell"], table["stopped"], strict=True))["half"] == ""
    note = sequential_notes(table, INFO | {"done": 14})[0]
    assert note.endswith(
        "14 of 24 planned runs are done (58 %). Not through: half. The study's command goes on with them."
    )
    whole = look_tables(trials, INFO, {})[-1]
    assert sequential_notes(whole, INFO)[0].endswith("20 of 24 planned runs were enough (83 %).")


def test_a_trial_that_failed_is_missing_and_holds_no_look_up() -> None:
    trials = made({"half": 0.012, "other": 0.0121}, spread=0.008)
    lost = trials[~((trials["cell"] == "other") & (trials["fold"] == 4))]
    table = look_tables(lost, INFO, {})[-1].set_index("cell")
    assert table.at["half", "look"] == look_tables(trials, INFO, {})[-1].set_index("cell").at["half", "look"] == 6


def test_without_looks_a_study_is_compared_as_a_whole() -> None:
    trials = made({"good": 0.1})
    (whole,) = look_tables(trials, {}, {})
    pd.testing.assert_frame_equal(whole, comparison_table(trials, {}, {}))
    assert sequential_notes(comparison_table(trials, {}, {}), {}) == []
