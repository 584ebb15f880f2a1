"""Where the noise comes from, and what holds on these very data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.comparison import OUTCOMES
from overcast.comparison.noise import conditional_table, next_hour, noise_figure, noise_sections, noise_table
from overcast.study.outcomes import families

JUDGED = families(("accuracy",))
FOLDS, SAMPLES = 6, 40


def made(seeds: int = 3, of_fold: float = 0.0, of_seed: float = 0.02) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Trials of two cells, of which "good" is better by 0.05, and their answers."""
    draw, rows, answers = np.random.default_rng(3).normal, [], {}
    folds = draw(0, of_fold, FOLDS)
    for name, effect in (("none", 0.0), ("good", 0.05)):
        for fold in range(FOLDS):
            for seed in range(seeds):
                run = f"{name}-{fold}-{seed}"
                row = dict.fromkeys((outcome.column for outcome in OUTCOMES), 0.3)
                row["test/accuracy"] = 0.8 + effect + (name == "good") * folds[fold] + draw(0, of_seed)
                row |= {"data": "sky", "model": "cnn", "mitigation": name, "cell": name, "train_fraction": 1.0}
                row |= {"epochs": 5, "run_id": run, "fold": fold, "seed": seed, "repeat": f"{fold}-{seed}"}
                rows.append(row | {"seconds": 60.0, "diverged": False})
                numbers = np.arange(SAMPLES) + fold * SAMPLES
                correct = np.arange(SAMPLES) % 10 < (8 if name == "none" else 9)
                answers[run] = {"row": numbers, "group": numbers // 2, "test/accuracy": correct.astype(float)}
    return pd.DataFrame(rows), answers


def test_the_parts_of_the_noise_sum_to_the_error() -> None:
    trials, answers = made(of_fold=0.05)
    row = noise_table(trials, JUDGED, answers).set_index("outcome").loc["test/accuracy"]
    parts = row[["samples", "folds", "seeds", "common"]].astype(float)
    assert parts.sum() == pytest.approx(row["error"] ** 2)
    assert (parts >= 0).all()
    assert row["samples"] > 0


def test_where_seeds_are_all_the_noise_an_hour_more_buys_much() -> None:
    seeds = noise_table(made(of_seed=0.05)[0], JUDGED, {}).set_index("outcome").loc["test/accuracy"]
    folds = noise_table(made(of_fold=0.1, of_seed=0.001)[0], JUDGED, {}).set_index("outcome").loc["test/accuracy"]
    assert seeds["seeds_hour"] == 3 + round(3600 / (2 * FOLDS * 60))  # both cells, in each fold, a minute each
    assert seeds["detectable_hour"] < 0.9 * seeds["detectable"]
    assert folds["detectable_hour"] > 0.95 * folds["detectable"]


def test_the_next_hour_in_words() -> None:
    told = next_hour(noise_table(made(1)[0], JUDGED, {}))
    assert any("one seed a fold cannot tell" in line for line in told)
    assert all("an hour more of one core" in line for line in told)


def test_on_these_very_data_the_difference_is_that_of_all_predictions() -> None:
    trials, answers = made()
    (row,) = (each for _, each in conditional_table(trials, JUDGED, answers).iterrows())
    assert row["change/test/accuracy"] == pytest.approx(0.1)  # nine of ten against eight of ten
    assert row["verdict"] == "better"
    lacking = {run: told for run, told in answers.items() if not run.startswith("good-0")}
    assert conditional_table(trials, JUDGED, lacking).empty


def test_a_fixed_test_part_has_no_pooled_predictions() -> None:
    trials, answers = made()
    titles = [section.title for section in noise_sections(trials, JUDGED, answers)]
    assert titles == ["Where the noise comes from", "On these very data"]
    assert [section.title for section in noise_sections(trials, JUDGED, {})] == titles[:1]


def test_nothing_to_compare_is_no_figure() -> None:
    trials, _ = made()
    assert noise_figure(noise_table(trials[trials["cell"] == "none"], JUDGED, {})) is None
