"""Trials become a design, and its effects those of least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols

from overcast.comparison.factorial_design import interactions, main_effects, read_design
from overcast.comparison.factorial_recipe import confirm
from overcast.comparison.pairs import contexts
from overcast.study.outcomes import PRIMARY, families

JUDGED = families()


NAMES = ["augmentation", "batch_norm", "dropout", "mixup", "averaging"]


def test_trials_are_read_as_a_design_in_whatever_order(factorial_trials: Any) -> None:
    design = read_design(factorial_trials.sample(frac=1, random_state=0), JUDGED, {})
    assert design is not None
    assert design.factors == NAMES
    assert design.levels.shape == (16, 5)
    assert design.blocks == list(range(10))
    assert design.incomplete == {}
    at = [design.name(levels) for levels in design.levels].index("none")
    own = factorial_trials[factorial_trials["mitigation"] == "none"].sort_values("fold")
    assert list(design.values["test/accuracy"][at]) == list(own["test/accuracy"])


def test_two_lengths_of_a_training_are_one_more_factor(factorial_trials: Any, trials_of_two_lengths: Any) -> None:
    (context,) = contexts(trials_of_two_lengths)
    assert context.control == "none · epochs=8"
    design, same = read_design(context.trials, JUDGED, {}), read_design(factorial_trials, JUDGED, {})
    assert design is not None
    assert same is not None
    assert design.factors == [*NAMES[:4], "16 epochs instead of 8"]
    assert (design.levels == same.levels).all()
    assert (design.values["test/accuracy"] == same.values["test/accuracy"]).all()


def test_several_seeds_are_averaged_within_a_fold(factorial_trials: Any) -> None:
    again = factorial_trials.assign(seed=99, repeat="again")
    again["test/accuracy"] += 0.02
    once, twice = (
        read_design(factorial_trials, JUDGED, {}),
        read_design(pd.concat([factorial_trials, again]), JUDGED, {}),
    )
    assert once is not None
    assert twice is not None
    assert twice.values["test/accuracy"] == pytest.approx(once.values["test/accuracy"] + 0.01)


def test_a_fold_of_each_split_is_a_block(factorial_trials: Any) -> None:
    """Folds of two splits share rows: no figure of one could confirm what those of another chose."""
    other = factorial_trials.assign(split_seed=1, repeat="other")
    other["test/accuracy"] += 0.1
    design = read_design(pd.concat([factorial_trials.assign(split_seed=0), other]), JUDGED, {})
    assert design is not None
    assert len(design.blocks) == 20
    assert {"3 of split 0", "3 of split 1"} <= set(design.blocks)
    assert design.seeds == 1
    assert confirm(design, JUDGED, {0: np.full(200, "train")}) is None


def test_repeats_on_one_fold_are_the_blocks(factorial_trials: Any) -> None:
    design = read_design(factorial_trials.assign(fold=0), JUDGED, {})
    assert design is not None
    assert design.blocks == sorted(factorial_trials["repeat"].unique())
    assert confirm(design, JUDGED, {0: np.full(200, "train")}) is None


def test_other_designs_are_none(factorial_trials: Any) -> None:
    few = factorial_trials[factorial_trials["mitigation"].isin(["none", "augmentation", "batch_norm"])]
    assert read_design(few, JUDGED, {}) is None
    assert read_design(factorial_trials[factorial_trials["mitigation"] != "none"], JUDGED, {}) is None


def test_a_fold_without_a_cell_is_left_out(factorial_trials: Any) -> None:
    trials = factorial_trials.copy()
    lost = (trials["mitigation"] == "none") & (trials["fold"] == 3)
    trials.loc[lost, ["test/accuracy", "test/nll"]] = np.nan
    design = read_design(trials, JUDGED, {})
    assert design is not None
    assert design.incomplete == {3: "none"}
    assert design.blocks == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert design.values["test/accuracy"].shape == (16, 9)


def test_effects_are_those_of_least_squares_and_the_true_ones_are_clear(factorial_trials: Any) -> None:
    design = read_design(factorial_trials, JUDGED, {})
    assert design is not None
    effects = main_effects(design, JUDGED).set_index("cell")["change/test/accuracy"]
    together = interactions(design, PRIMARY).set_index(["first", "second"])["change/test/accuracy"]
    table = factorial_trials.rename(columns={"test/accuracy": "accuracy"})
    for name in NAMES:
        table[name] = [1 if name in each.split("+") else -1 for each in table["mitigation"]]
    reference = ols(f"accuracy ~ C(fold) + ({' + '.join(NAMES)}) ** 2", table).fit().params
    for name in NAMES:
        assert effects[name] == pytest.approx(2 * reference[name])
    assert together["batch_norm", "dropout"] == pytest.approx(2 * reference["batch_norm:dropout"])


def test_true_effects_have_verdicts_in_their_direction(factorial_trials: Any) -> None:
    design = read_design(factorial_trials, JUDGED, {})
    assert design is not None
    effects = main_effects(design, JUDGED).set_index("cell")
    assert dict(effects["verdict/test/accuracy"]) == {
        "augmentation": "better", "batch_norm": "slightly better", "dropout": "worse",
        "mixup": "equivalent", "averaging": "equivalent",
    }  # fmt: skip
    assert effects.loc["augmentation", "verdict/gap/nll"] == "better"  # a smaller gap is
    together = interactions(design, PRIMARY)
    decided = together[together["verdict/test/accuracy"] != "equivalent"]
    assert list(zip(decided["first"], decided["second"], strict=True)) == [("batch_norm", "dropout")]


def test_two_outcomes_of_a_family_widen_each_other(factorial_trials: Any) -> None:
    design = read_design(factorial_trials, JUDGED, {})
    assert design is not None
    both, alone = (main_effects(design, judged) for judged in (JUDGED, families(["accuracy"])))
    widths = [
        (each["change/test/accuracy/high"] - each["change/test/accuracy/low"]).to_numpy() for each in (both, alone)
    ]
    assert (widths[0] > 1.05 * widths[1]).all()


def test_what_the_samples_of_a_fixed_test_part_add_widens_effects_interactions_and_the_recipe(
    factorial_trials: Any, factorial_folds: Any
) -> None:
    """All runs answer the same 50 samples; what a mitigation does to each of them varies from sample to sample."""
    random = np.random.default_rng(3)
    by_sample = random.normal(0, 0.3, (len(NAMES), 50))
    answers = {}
    for run, name in factorial_trials[["run_id", "mitigation"]].itertuples(index=False):
        on = [1 if each in name.split("+") else -1 for each in NAMES]
        told = np.array(on) @ by_sample + random.normal(0, 0.1, 50)
        answers[run] = {"row": np.arange(50), "group": np.arange(50), "test/accuracy": told}
    alone, design = (read_design(factorial_trials, JUDGED, known) for known in ({}, answers))
    assert alone is not None
    assert design is not None
    for column, wider in (("test/accuracy", True), ("test/nll", False)):
        ours, theirs = (main_effects(each, JUDGED)[f"change/{column}/high"] for each in (design, alone))
        assert (ours > theirs).all() == wider == (not (ours == theirs).all())
    weights = design.fit("test/accuracy").effect_weights[: len(NAMES)]
    expected = (2 * by_sample).var(1, ddof=1) / 50
    assert design.sample_variance("test/accuracy", weights) == pytest.approx(expected, rel=0.1)
    pairs = interactions(design, PRIMARY), interactions(alone, PRIMARY)
    assert (pairs[0]["change/test/accuracy/high"] >= pairs[1]["change/test/accuracy/high"]).all()
    gains = [confirm(each, JUDGED, factorial_folds) for each in (design, alone)]
    assert gains[0] is not None
    assert gains[1] is not None
    assert (gains[0].gains["test/accuracy"].margin > gains[1].gains["test/accuracy"].margin).all()
    lacking = {run: told for run, told in answers.items() if run != factorial_trials["run_id"].iloc[3]}
    unknown = read_design(factorial_trials, JUDGED, lacking)
    assert unknown is not None
    assert unknown.samples == {}


def test_new_data_have_wider_intervals_around_the_same_effects(factorial_trials: Any) -> None:
    design = read_design(factorial_trials, JUDGED, {})
    assert design is not None
    ours, new = (main_effects(design, JUDGED, new_data=new) for new in (False, True))
    for outcome in JUDGED.better:
        column = f"change/{outcome.column}"
        assert (ours[column] == new[column]).all()
        assert (new[f"{column}/low"] < ours[f"{column}/low"]).all()
