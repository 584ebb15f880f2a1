"""The recipe of a factorial study is chosen by rows that do not confirm it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from overcast.comparison.factorial_design import read_design
from overcast.comparison.factorial_recipe import confirm, confirming_folds
from overcast.prepare.folds import assign_parts
from overcast.study.outcomes import families

JUDGED = families()
NAMES = ["augmentation", "batch_norm", "dropout", "mixup", "averaging"]


def parts_of(folds: int, official: Any = None) -> dict[int, Any]:
    """Of each fold, the part of each of 200 rows."""
    no_row = np.full(200, "")
    parts = assign_parts(
        np.repeat(np.arange(2), 100), np.arange(200), no_row if official is None else official, folds, 0
    )
    return dict(enumerate(parts.T))


OF_FOLDS = parts_of(10)


@pytest.mark.parametrize("folds", range(3, 11))
def test_no_row_chooses_and_confirms(folds: int) -> None:
    parts = parts_of(folds)
    choosing, confirming = confirming_folds(parts)
    used = np.any([parts[fold] == "validation" for fold in choosing], axis=0)
    assert used.any()
    assert confirming
    assert not any((used & (parts[fold] == "test")).any() for fold in confirming)
    if folds == 10:
        assert (choosing, confirming) == ([0, 1, 2, 3], [5, 6, 7, 8, 9])


def test_too_few_folds_neither_choose_nor_confirm() -> None:
    assert confirming_folds({fold: rows for fold, rows in parts_of(3).items() if fold < 2}) == ([], [])
    assert confirming_folds({}) == ([], [])


def test_beside_an_official_test_part_no_fold_is_lost() -> None:
    official = np.array(["test" if row % 4 == 0 else "" for row in range(200)])
    assert confirming_folds(parts_of(10, official)) == ([0, 1, 2, 3], [4, 5, 6, 7, 8, 9])


def test_a_published_split_whose_folds_validate_on_the_rows_that_all_are_tested_on_confirms_nothing() -> None:
    """Two halves that take turns: what one fold validates with is what another is tested on."""
    turns = np.array(["test", "validation", "train", "train"] * 50)
    back = np.array(["validation", "test", "train", "train"] * 50)
    assert confirming_folds({0: turns, 1: back, 2: back}) == ([], [])
    away = np.array(["train", "validation", "train", "test"] * 50)
    assert confirming_folds({0: turns, 1: back, 2: away}) == ([0], [2])


def test_the_recipe_is_chosen_by_validation_figures_of_its_folds_alone(factorial_trials: Any) -> None:
    trials = factorial_trials.copy()
    late, test = trials["fold"] > 3, trials["fold"] < 5
    trials.loc[late, "validation/accuracy"] = 0.5 - trials["validation/accuracy"][late]
    trials.loc[test, "test/accuracy"] = 0.5
    design, changed = read_design(factorial_trials, JUDGED, {}), read_design(trials, JUDGED, {})
    assert design is not None
    assert changed is not None
    first, second = confirm(design, JUDGED, OF_FOLDS), confirm(changed, JUDGED, OF_FOLDS)
    assert first is not None
    assert second is not None
    assert first.names == second.names
    assert list(first.means["test/accuracy"].mean) == list(second.means["test/accuracy"].mean)
    assert list(first.gains["test/accuracy"].high) == list(second.gains["test/accuracy"].high)


def test_the_recipe_is_compared_with_none_and_all_on_the_other_folds(factorial_trials: Any) -> None:
    design = read_design(factorial_trials, JUDGED, {})
    assert design is not None
    confirmation = confirm(design, JUDGED, OF_FOLDS)
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
    assert confirmation.means["test/accuracy"].mean[1] == pytest.approx(none.mean())
    # truth: 2 (a + b) and back the interaction, against nothing and against all that hurts
    gain = confirmation.gains["test/accuracy"]
    assert gain.low[0] < 0.06 + 0.02 + 0.02 < gain.high[0]
    assert gain.excludes_zero.all()
    assert set(confirmation.gains) == {"test/accuracy", "test/nll"}


def test_a_recipe_that_is_all_of_them_has_one_rival(factorial_trials: Any) -> None:
    more = [len(name.split("+")) if name != "none" else 0 for name in factorial_trials["mitigation"]]
    trials = factorial_trials.assign(**{"validation/accuracy": np.array(more) / 10})
    design = read_design(trials, JUDGED, {})
    assert design is not None
    confirmation = confirm(design, JUDGED, OF_FOLDS)
    assert confirmation is not None
    assert confirmation.names == ["+".join(NAMES), "none"]
