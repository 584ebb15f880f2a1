"""Where the noise comes from, and what holds on these very data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.comparison import OUTCOMES, comparison_table
from overcast.comparison.noise import (
    conditional_section,
    conditional_table,
    next_hour,
    noise_figure,
    noise_sections,
    noise_table,
)
from overcast.html.page import Table
from overcast.study.outcomes import families

JUDGED = families(("accuracy",))
FOLDS, SAMPLES = 6, 40


def made(
    seeds: int = 3, of_fold: float = 0.0, of_seed: float = 0.02, splits: int = 1
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Trials of two cells, of which "good" is better by 0.05, and their answers; with several splits, of each half the
    folds."""
    draw, rows, answers = np.random.default_rng(3).normal, [], {}
    folds = draw(0, of_fold, FOLDS)
    for name, effect in (("none", 0.0), ("good", 0.05)):
        for fold in range(FOLDS):
            for seed in range(seeds):
                run = f"{name}-{fold}-{seed}"
                row = dict.fromkeys((outcome.column for outcome in OUTCOMES), 0.3)
                row["test/accuracy"] = 0.8 + effect + (name == "good") * folds[fold] + draw(0, of_seed)
                split, of_split = divmod(fold, FOLDS // splits)
                row |= {"data": "sky", "model": "cnn", "mitigation": name, "cell": name, "train_fraction": 1.0}
                row |= {"epochs": 5, "run_id": run, "fold": of_split, "split_seed": split, "seed": seed}
                rows.append(row | {"repeat": f"{seed}-{of_split}-{split}", "seconds": 60.0, "diverged": False})
                numbers = np.arange(SAMPLES) + of_split * SAMPLES
                correct = np.arange(SAMPLES) % 10 < (8 if name == "none" else 9)
                answers[run] = {"row": numbers, "group": numbers // 2, "test/accuracy": correct.astype(float)}
    return pd.DataFrame(rows), answers


def in_accuracy(trials: pd.DataFrame, own: Any = None, shared: Any = None) -> pd.Series:
    """The row of accuracy."""
    (row,) = (
        row for _, row in noise_table(trials, JUDGED, own or {}, shared or {}).iterrows() if row["outcome"].percent
    )
    return row


def test_the_parts_of_the_noise_sum_to_the_error() -> None:
    trials, answers = made(of_fold=0.05)
    row = in_accuracy(trials, answers)
    parts = row[["samples", "folds", "seeds", "common"]].astype(float)
    assert parts.sum() == pytest.approx(row["error"] ** 2)
    assert (parts >= 0).all()
    assert row["samples"] > 0


def test_the_samples_of_a_test_part_that_all_share_are_no_noise_of_folds() -> None:
    trials, answers = made(of_fold=0.05)
    right = np.random.default_rng(1)
    shared = {
        run: told | {"group": np.arange(SAMPLES), "test/accuracy": (right.random(SAMPLES) < 0.8).astype(float)}
        for run, told in answers.items()
    }
    hard = np.arange(SAMPLES) % 4 == 0  # which only the control gets wrong
    for run, told in shared.items():
        told["test/accuracy"][hard] = run.startswith("good")
    row, without = in_accuracy(trials, shared=shared), in_accuracy(trials)
    assert row["samples"] > 0 == without["samples"]
    assert row["folds"] == without["folds"]
    assert row["error"] ** 2 == pytest.approx(row[["samples", "folds", "seeds", "common"]].astype(float).sum())
    compared = comparison_table(trials, {"families": JUDGED}, shared).set_index("cell")
    assert row["detectable"] == pytest.approx(compared.at["good", "detectable/test/accuracy"])


def test_where_seeds_are_all_the_noise_an_hour_more_buys_much() -> None:
    seeds, folds = in_accuracy(made(of_seed=0.05)[0]), in_accuracy(made(of_fold=0.1, of_seed=0.001)[0])
    assert seeds["more_seeds"] == 3 + round(3600 / (2 * FOLDS * 60))  # both cells, in each fold, a minute each
    assert seeds["detectable_more"] < 0.9 * seeds["detectable"]
    assert folds["detectable_more"] > 0.95 * folds["detectable"]


def test_the_next_hour_in_words() -> None:
    told = next_hour(noise_table(made(1)[0], JUDGED, {}, {}))
    assert any("one seed a fold cannot tell" in line for line in told)
    assert all("an hour more of one core" in line for line in told)


def test_where_one_more_seed_takes_more_than_an_hour_it_is_told_how_long() -> None:
    told = next_hour(noise_table(made()[0].assign(seconds=3600.0), JUDGED, {}, {}))
    assert all("one more seed in each fold, which takes one core 12.0 hours, takes that to" in line for line in told)


def test_points_are_of_shares_alone() -> None:
    trials, _ = made()
    trials["test/brier"] = 0.4 + np.random.default_rng(0).normal(0, 0.02, len(trials))
    told = next_hour(noise_table(trials, families(("brier", "accuracy")), {}, {}))
    assert ["points would be found" in line for line in told] == [False, False, True]  # gap, Brier score, accuracy


def test_on_these_very_data_the_difference_is_that_of_all_predictions() -> None:
    trials, answers = made()
    (row,) = (each for _, each in conditional_table(trials, JUDGED, answers).iterrows())
    assert row["change/test/accuracy"] == pytest.approx(0.1)  # nine of ten against eight of ten
    assert row["verdict/test/accuracy"] == "better"
    lacking = {run: told for run, told in answers.items() if not run.startswith("good-0")}
    assert conditional_table(trials, JUDGED, lacking).empty


def test_on_these_very_data_too_nothing_is_judged_in_favour_of_what_diverged() -> None:
    trials, answers = made()
    for cell, said in (("good", "not judged"), ("none", "better")):
        gone = (trials["cell"] == cell) & (trials["fold"] == 2) & (trials["seed"] == 1)
        lost = trials.assign(diverged=gone, **{"test/accuracy": trials["test/accuracy"].mask(gone)})
        (row,) = (each for _, each in conditional_table(lost, JUDGED, answers).iterrows())
        assert row["change/test/accuracy"] == pytest.approx(0.1)
        assert row["verdict/test/accuracy"] == said
    gone = trials["cell"] == "none"
    lost = trials.assign(diverged=gone, **{"test/accuracy": trials["test/accuracy"].mask(gone)})
    assert conditional_table(lost, JUDGED, answers).empty  # nothing is left to compare with


def test_where_several_splits_count_a_sample_twice_nothing_is_said_of_these_data() -> None:
    trials, answers = made(splits=2)
    assert conditional_table(trials, JUDGED, answers).empty


def test_an_outcome_that_one_cell_lacks_is_left_blank() -> None:
    trials, answers = made()
    of_labels = trials[trials["cell"] == "good"].assign(cell="labels", mitigation="labels")
    of_labels["run_id"] = "labels" + of_labels["run_id"]
    elsewhere = {f"labels{run}": told for run, told in answers.items()}
    known = {run: told | {"test/nll": np.full(SAMPLES, 0.3)} for run, told in answers.items()} | elsewhere
    section = conditional_section(conditional_table(pd.concat([trials, of_labels]), families(), known))
    assert section is not None
    (table,) = section.parts
    assert isinstance(table, Table)
    assert [cell.text for cell in table.cells[1][1:3]] == ["–", ""]
    assert all(cell.text != "–" for cell in table.cells[0])


def test_a_fixed_test_part_has_no_pooled_predictions() -> None:
    trials, answers = made()
    titles = [section.title for section in noise_sections(trials, JUDGED, answers, {})]
    assert titles == ["Where the noise comes from", "On these very data"]
    assert [section.title for section in noise_sections(trials, JUDGED, {}, {})] == titles[:1]


def test_nothing_to_compare_is_no_figure() -> None:
    trials, _ = made()
    assert noise_figure(noise_table(trials[trials["cell"] == "none"], JUDGED, {}, {})) is None
