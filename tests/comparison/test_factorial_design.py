"""Trials become a design; its recipe is chosen by rows that do not confirm it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols

from overcast.comparison.factorial_design import confirm, effects_table, fold_halves, read_design
from overcast.prepare.split import assign_parts

NAMES = ["augmentation", "batch_norm", "dropout", "mixup", "averaging"]


def test_trials_are_read_as_a_design_in_whatever_order(factorial_trials: Any) -> None:
    design = read_design(factorial_trials.sample(frac=1, random_state=0))
    assert design is not None
    assert design.mitigations == NAMES
    assert design.levels.shape == (16, 5)
    assert design.blocks == list(range(10))
    assert design.incomplete == {}
    at = [design.name(levels) for levels in design.levels].index("none")
    own = factorial_trials[factorial_trials["mitigation"] == "none"].sort_values("fold")
    assert list(design.values["test/accuracy"][at]) == list(own["test/accuracy"])


def test_several_seeds_are_averaged_within_a_fold(factorial_trials: Any) -> None:
    again = factorial_trials.assign(seed=99, repeat="again")
    again["test/accuracy"] += 0.02
    once, twice = read_design(factorial_trials), read_design(pd.concat([factorial_trials, again]))
    assert once is not None
    assert twice is not None
    assert twice.values["test/accuracy"] == pytest.approx(once.values["test/accuracy"] + 0.01)


def test_repeats_on_one_fold_are_the_blocks(factorial_trials: Any) -> None:
    design = read_design(factorial_trials.assign(fold=0))
    assert design is not None
    assert design.blocks == sorted(factorial_trials["repeat"].unique())
    assert confirm(design) is None


def test_other_designs_are_none(factorial_trials: Any) -> None:
    few = factorial_trials[factorial_trials["mitigation"].isin(["none", "augmentation", "batch_norm"])]
    assert read_design(few) is None
    assert read_design(factorial_trials[factorial_trials["mitigation"] != "none"]) is None


def test_a_fold_without_a_cell_is_left_out(factorial_trials: Any) -> None:
    trials = factorial_trials.copy()
    lost = (trials["mitigation"] == "none") & (trials["fold"] == 3)
    trials.loc[lost, ["test/accuracy", "test/nll"]] = np.nan
    design = read_design(trials)
    assert design is not None
    assert design.incomplete == {3: "none"}
    assert design.blocks == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert design.values["test/accuracy"].shape == (16, 9)


def test_effects_are_those_of_least_squares_and_the_true_ones_are_clear(factorial_trials: Any) -> None:
    design = read_design(factorial_trials)
    assert design is not None
    effects = effects_table(design)
    assert len(effects) == 3 * (5 + 10)
    accuracy = effects[effects["outcome"] == "test/accuracy"].set_index("effect")
    table = factorial_trials.rename(columns={"test/accuracy": "accuracy"})
    for name in NAMES:
        table[name] = [1 if name in each.split("+") else -1 for each in table["mitigation"]]
    reference = ols(f"accuracy ~ C(fold) + ({' + '.join(NAMES)}) ** 2", table).fit().params
    for name in NAMES:
        assert accuracy.loc[name, "mean"] == pytest.approx(2 * reference[name])
    assert accuracy.loc["batch_norm × dropout", "mean"] == pytest.approx(2 * reference["batch_norm:dropout"])
    true = {"augmentation", "batch_norm", "dropout", "batch_norm × dropout"}
    assert set(accuracy.index[accuracy["clear"]]) == true


@pytest.mark.parametrize("folds", range(11))
def test_no_row_chooses_and_confirms(folds: int) -> None:
    choosing, confirming = fold_halves(range(folds))
    assert bool(choosing) == bool(confirming) == (folds >= 3)
    if not choosing:
        return
    labels = np.repeat(np.arange(2), 100)
    parts = assign_parts(labels, np.arange(200), np.full(200, ""), folds, 0)
    used = (parts[:, choosing] == "validation").any(1)
    assert used.any()
    assert not (used & (parts[:, confirming] == "test").any(1)).any()
    if folds == 10:
        assert (choosing, confirming) == ([0, 1, 2, 3], [5, 6, 7, 8, 9])


def test_the_recipe_is_chosen_by_validation_figures_of_its_folds_alone(factorial_trials: Any) -> None:
    trials = factorial_trials.copy()
    late, test = trials["fold"] > 3, trials["fold"] < 5
    trials.loc[late, "validation/accuracy"] = 0.5 - trials["validation/accuracy"][late]
    trials.loc[test, "test/accuracy"] = 0.5
    design, changed = read_design(factorial_trials), read_design(trials)
    assert design is not None
    assert changed is not None
    first, second = confirm(design), confirm(changed)
    assert first is not None
    assert second is not None
    assert first.names == second.names
    assert list(first.accuracy.mean) == list(second.accuracy.mean)
    assert list(first.gain.high) == list(second.gain.high)


def test_the_recipe_is_compared_with_none_and_all_on_the_other_folds(factorial_trials: Any) -> None:
    design = read_design(factorial_trials)
    assert design is not None
    confirmation = confirm(design)
    assert confirmation is not None
    assert {"augmentation", "batch_norm"} <= set(confirmation.names[0].split("+"))
    assert "dropout" not in confirmation.names[0]
    assert confirmation.names[1:] == confirmation.against == ["none", "+".join(NAMES)]
    run = set(factorial_trials["mitigation"])
    assert (
        confirmation.measured
        == [name in run for name in confirmation.names]
        == [confirmation.names[0] in run, True, False]
    )
    late = factorial_trials[factorial_trials["fold"].isin(confirmation.confirming)]
    none = late.loc[late["mitigation"] == "none", "test/accuracy"]
    assert confirmation.accuracy.mean[1] == pytest.approx(none.mean())
    # truth: 2 (a + b) and back the interaction, against nothing and against all that hurts
    assert confirmation.gain.low[0] < 0.06 + 0.02 + 0.02 < confirmation.gain.high[0]
    assert confirmation.gain.excludes_zero.all()


def test_a_recipe_that_is_all_of_them_has_one_rival(factorial_trials: Any) -> None:
    more = [len(name.split("+")) if name != "none" else 0 for name in factorial_trials["mitigation"]]
    trials = factorial_trials.assign(**{"validation/accuracy": np.array(more) / 10})
    design = read_design(trials)
    assert design is not None
    confirmation = confirm(design)
    assert confirmation is not None
    assert confirmation.names == ["+".join(NAMES), "none"]
