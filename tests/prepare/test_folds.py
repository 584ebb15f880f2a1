"""Nothing that belongs together is cut, every part has every class, the same seed gives the same parts."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from overcast.core.errors import UserError
from overcast.prepare.folds import MAX_EXACT_GROUPS, assign_folds, assign_parts, forward_chaining, merge_groups

SEEDS = range(12)


def rows(seed: int, number: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, groups of 1 to 6 rows (some of them across classes), and no official parts."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(number), rng.choice([1, 1, 1, 2, 6], number))[:number]
    labels = np.array(["abcd"[g % 4] for g in groups], object)
    odd = rng.random(number) < 0.05
    labels[odd] = "a"
    order = rng.permutation(number)
    return labels[order], groups[order], np.full(number, "", object)


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_are_never_cut_and_every_row_is_tested_once(seed: int) -> None:
    labels, groups, official = rows(seed)
    parts = assign_parts(labels, groups, official, 5, seed)
    for group in np.unique(groups):
        assert (parts[groups == group] == parts[groups == group][0]).all()
    assert ((parts == "test").sum(1) == 1).all()
    assert ((parts == "validation").sum(1) == 1).all()
    assert ((parts == "train").sum(1) == 3).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_classes_are_spread_over_the_folds(seed: int) -> None:
    labels, groups, _ = rows(seed)
    fold = assign_folds(labels, groups, 5, seed)
    for label in "abcd":
        count = np.bincount(fold[labels == label], minlength=5)
        assert count.max() <= 2 * max(1, count.min())


def test_up_to_many_groups_folds_are_those_of_scikit_learn() -> None:
    """The folds that results on small data were measured with stay what they are."""
    labels, groups, _ = rows(0)
    grouped = StratifiedGroupKFold(5, shuffle=True, random_state=3).split(labels, labels, groups)
    single = StratifiedKFold(5, shuffle=True, random_state=3).split(labels, labels)
    for own, folds in ((groups, grouped), (np.arange(400), single)):
        fold = assign_folds(labels, own, 5, 3)
        for number, (_, held_out) in enumerate(folds):
            assert (np.flatnonzero(fold == number) == held_out).all()
    assert (
        MAX_EXACT_GROUPS >= 1797
    )  # the digits of scikit-learn, the most rows of any data set that results are known of


def test_large_data_with_a_few_duplicates_is_dealt_in_no_time() -> None:
    rng = np.random.default_rng(0)
    labels, groups = rng.choice(list("abcde"), 60_000), np.arange(60_000)
    groups[1:6000:30] = groups[:6000:30]
    groups[30_000:30_050] = 30_000
    began = time.perf_counter()
    fold = assign_folds(labels, groups, 10, 0)
    assert time.perf_counter() - began < 5
    assert len(np.unique(groups * 10 + fold)) == len(np.unique(groups))  # none is cut
    assert (fold != assign_folds(labels, groups, 10, 1)).any()
    for label in "abcde":
        assert np.ptp(np.bincount(fold[labels == label])) < 60
    assert np.ptp(np.bincount(fold)) < 60


@pytest.mark.parametrize("seed", range(3))
def test_large_data_with_many_groups(seed: int) -> None:
    labels, groups, _ = rows(seed, 9000)
    assert len(np.unique(groups)) > MAX_EXACT_GROUPS
    fold = assign_folds(labels, groups, 5, seed)
    assert len(np.unique(groups * 5 + fold)) == len(np.unique(groups))
    for label in "abcd":
        assert np.ptp(np.bincount(fold[labels == label])) < 0.1 * (labels == label).sum() / 5


def test_without_groups_folds_differ_by_one_at_most() -> None:
    labels = np.array(list("aab") * 101, object)
    fold = assign_folds(labels, np.arange(303), 10, 0)
    for label in "ab":
        count = np.bincount(fold[labels == label])
        assert count.max() - count.min() <= 1
    assert np.ptp(np.bincount(fold)) <= 2


def test_same_seed_same_parts() -> None:
    made = [assign_parts(*rows(0), 5, seed) for seed in (3, 3, 4)]
    assert (made[0] == made[1]).all()
    assert (made[0] != made[2]).any()


def test_an_official_test_part_stays_and_its_duplicates_are_not_used() -> None:
    labels, groups, official = rows(0)
    official[:40] = "test"
    parts = assign_parts(labels, groups, official, 5, 0)
    assert (parts[:40] == "test").all()
    assert not (parts[40:] == "test").any()
    twins = np.isin(groups, groups[:40]) & (np.arange(400) >= 40)
    assert twins.any()
    assert (parts[twins] == "unused").all()
    assert not (parts[~twins] == "unused").any()


def test_groups_tie_through_either_key() -> None:
    assert merge_groups(np.array(["s", "s", "", "", "t"]), np.array(["0", "1", "1", "2", "3"])).tolist() == [
        0,
        0,
        0,
        1,
        2,
    ]


def test_too_few_groups_or_folds() -> None:
    labels, groups = np.array(list("aaaaaabbbb"), object), np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 8])
    none = np.full(10, "", object)
    with pytest.raises(UserError, match=r"Class b has 3 independent .* add some, or set split\.folds=3"):
        assign_parts(labels, groups, none, 5, 0)
    with pytest.raises(UserError, match="at least 3"):
        assign_parts(labels, groups, none, 2, 0)
    assert assign_parts(labels, groups, none, 3, 0).shape == (10, 3)


def test_a_part_without_a_class() -> None:
    labels = np.array(list("aaaabbbb"), object)
    official = np.array(["test"] + [""] * 7, object)
    with pytest.raises(UserError, match="the test part has no sample of class b"):
        assign_parts(labels, np.arange(8), official, 3, 0)


@pytest.mark.parametrize(("number", "folds", "gap"), [(100, 3, 7), (103, 3, 0), (60, 1, 5), (1454, 10, 7)])
def test_by_time_nothing_later_trains(number: int, folds: int, gap: int) -> None:
    parts = forward_chaining(np.array(list("ab") * number, object)[:number], folds, gap)
    block = number // (folds + 2)
    for f in range(folds):
        train, validation, test = (np.flatnonzero(parts[:, f] == part) for part in ("train", "validation", "test"))
        for rows in (train, validation, test):
            assert (np.diff(rows) == 1).all()
        assert (train[0], len(validation), len(test)) == (0, block - gap, block)
        assert validation[0] - train[-1] == test[0] - validation[-1] == gap + 1
        assert test[-1] == number - 1 - f * block
        assert len(train) + len(validation) + len(test) + (parts[:, f] == "unused").sum() == number
    assert ((parts == "test").sum(1)[-folds * block :] == 1).all()


def test_by_time_the_future_may_lack_a_class_but_not_the_past() -> None:
    labels = np.array(["rare", *"ab" * 50], object)
    assert forward_chaining(labels, 3, 2).shape == (101, 3)
    with pytest.raises(UserError, match="In fold 0 class rare is met only after the train part"):
        forward_chaining(labels[::-1], 3, 2)
    labels = np.array([*"ab" * 50, *["new"] * 20], object)  # only fold 0 would be measured on it
    with pytest.raises(UserError, match="In fold 0 class new"):
        forward_chaining(labels, 3, 2)


@pytest.mark.parametrize(
    ("number", "folds", "message"),
    [
        (44, 3, r"split\.folds=3 .* from 44 rows.* set split\.folds from 1 to 2"),
        (20, 1, "choose a shorter window, or add rows"),
        (99, 0, "set split.folds from 1 to 9"),
    ],
)
def test_by_time_with_too_few_rows(number: int, folds: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        forward_chaining(np.array(list("ab") * 50, object)[:number], folds, gap=7)
