"""The calibration part is taken from the train rows alone, whole groups of every class, and by time the latest."""

from __future__ import annotations

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.prepare.calibration_part import hold_out_calibration, latest_as_calibration
from overcast.prepare.folds import assign_parts, forward_chaining


@pytest.mark.parametrize("official", [False, True])
def test_groups_stay_whole_and_only_train_rows_are_taken(official: bool) -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), rng.choice([1, 2, 4], 200))
    labels = np.array(list("abcd"), object)[groups % 4]
    test = np.where((groups < 20) & official, "test", "").astype(object)
    parts = assign_parts(labels, groups, test, 5, 0)
    found = hold_out_calibration(parts, labels, groups, 0.2, 0)
    taken = found == "calibration"
    assert (found[~taken] == parts[~taken]).all()
    assert (parts[taken] == "train").all()
    assert (found == hold_out_calibration(parts, labels, groups, 0.2, 0)).all()
    for fold in range(5):
        assert not set(groups[taken[:, fold]]) & set(groups[~taken[:, fold]])
        train = parts[:, fold] == "train"
        shares = [(taken[:, fold] & (labels == label)).sum() / (train & (labels == label)).sum() for label in "abcd"]
        assert np.allclose(shares, 0.2, atol=0.05)


def test_a_few_large_groups_give_one_of_them_and_one_alone_none() -> None:
    speakers = np.repeat(np.arange(6), 20)
    labels = np.array(list("ab"), object)[np.arange(120) % 2]
    parts = assign_parts(labels, speakers, np.full(120, "", object), 6, 0)
    found = hold_out_calibration(parts, labels, speakers, 0.05, 0)
    assert [len(set(speakers[found[:, fold] == "calibration"])) for fold in range(6)] == [1] * 6
    parts = assign_parts(labels, speakers // 2, np.full(120, "", object), 3, 0)
    with pytest.raises(UserError, match=r"calibration=0\.1: in fold 0 class a has one independent sample only"):
        hold_out_calibration(parts, labels, speakers // 2, 0.1, 0)


def test_by_time_the_last_train_rows_are_taken_after_a_gap() -> None:
    labels = np.array(list("ab"), object)[np.arange(100) % 2]
    parts = forward_chaining(labels, 3, 2)
    found = latest_as_calibration(parts, labels, 0.25, 2)
    for fold in range(3):
        train = (parts[:, fold] == "train").sum()
        cut = round(0.25 * train)
        assert found[:train, fold].tolist() == (["train"] * (train - cut - 2) + ["unused"] * 2 + ["calibration"] * cut)
        assert (found[train:, fold] == parts[train:, fold]).all()
    labels[60:] = "c"
    parts = np.array([["train"]] * 70 + [["validation"]] * 15 + [["test"]] * 15, object)
    with pytest.raises(UserError, match=r"class c is met only after the train part"):
        latest_as_calibration(parts, labels, 0.25, 2)
