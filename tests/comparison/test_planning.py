"""What a pilot tells of the next study: the seeds a difference takes, and what a time buys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.comparison import OUTCOMES
from overcast.comparison.planning import Pilot, pilots, plan_sentences
from overcast.study.outcomes import families


def pilot(of_fold: float, of_seed: float, seeds: int = 3, samples: int = 0) -> Pilot:
    """Of ten folds and two cells, in accuracy; the spread of a difference between folds, and between seeds.

    samples: of a test part that all share.
    """
    draw, rows, answers = np.random.default_rng(1).normal, [], {}
    folds = draw(0, of_fold, 10)
    for name in ("none", "good"):
        for fold in range(10):
            for seed in range(seeds):
                row: dict[str, Any] = dict.fromkeys((outcome.column for outcome in OUTCOMES), 0.3)
                row["test/accuracy"] = 0.8 + (name == "good") * folds[fold] + draw(0, of_seed)
                row |= {"data": "sky", "model": "cnn", "mitigation": name, "cell": name, "train_fraction": 1.0}
                row |= {"epochs": 5, "run_id": f"{name}{fold}{seed}", "fold": fold, "seed": seed, "seconds": 36.0}
                rows.append(row | {"repeat": f"{fold}-{seed}", "diverged": False})
                correct = (np.arange(samples) % 10 < (8 if name == "none" else 9)) | (draw(0, 1, samples) > 2)
                answers[row["run_id"]] = {"group": np.arange(samples), "test/accuracy": correct.astype(float)}
    every = pilots(pd.DataFrame(rows), families(("accuracy",)), answers if samples else {})
    (made,) = (each for each in every if each.outcome.percent)
    return made


def test_where_seeds_are_the_noise_more_of_them_find_less() -> None:
    made = pilot(0.0, 0.05)
    seeds = made.seeds_for(0.85 * made.detectable(3))
    assert seeds
    assert seeds > 3
    assert made.detectable(seeds) <= 0.85 * made.detectable(3) < made.detectable(seeds - 1)


def test_where_folds_are_the_noise_no_number_of_seeds_helps() -> None:
    made = pilot(0.1, 0.001)
    assert made.seeds_for(0.5 * made.detectable(3)) is None
    told = plan_sentences(made, 0.5 * made.detectable(3), None, 2)
    assert told[1].startswith("No number of seeds finds")


def test_no_number_of_seeds_averages_a_fixed_test_part_away() -> None:
    own, fixed = pilot(0.0, 0.02), pilot(0.0, 0.02, samples=40)
    (of_samples,) = fixed.compared.sample_variance
    assert fixed.error(1000) > np.sqrt(of_samples) > own.error(1000)
    assert fixed.error(3) == pytest.approx(float(fixed.compared.standard_error[0]), rel=0.1)
    told = plan_sentences(fixed, fixed.detectable(10**6) / 2, None, 2)
    assert "folds, what they share and the samples of the test part leave" in told[1]


def test_a_time_buys_whole_rounds_over_the_folds() -> None:
    made = pilot(0.0, 0.05)
    assert made.hours(1, 1) == pytest.approx(0.2)  # two cells in ten folds, 36 seconds each
    assert (made.seeds_in(1, 1), made.seeds_in(1, 2), made.seeds_in(0.1, 1)) == (5, 10, 0)
    told = plan_sentences(made, None, 1, 1)
    assert told[0].startswith("test accuracy: with 3 seeds in each of 10 folds (60 runs, 36 minutes, 1 at once) ")
    assert told[1].startswith("In 1 hours: 5 seeds in each of 10 folds (100 runs, 1.0 hours, 1 at once) find ")
    assert plan_sentences(made, None, 0.1, 1)[-1] == "In 0.1 hours: not one seed in every fold fits."


def test_one_seed_a_fold_is_said_to_tell_less() -> None:
    assert any(
        "does not tell folds' noise from that of seeds" in line
        for line in plan_sentences(pilot(0.0, 0.05, 1), 0.01, None, 1)
    )
