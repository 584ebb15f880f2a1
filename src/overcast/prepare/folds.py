"""Which rows train, which validate, which test: stratified, and never two of a kind on different sides.

What is to be predicted from its past is cut by time instead: no part is later than the one it is to measure.

Arrays in, arrays out: the same labels, groups and seed give the same parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from overcast.core.errors import UserError
from overcast.prepare import duplicates

TRAIN, VALIDATION, TEST, UNUSED = "train", "validation", "test", "unused"
CALIBRATION = "calibration"
MIN_FOLDS = 3  # folds: one each to train, validate and test
MIN_BLOCK_ROWS = 2  # rows that a block cut by time must have beside its gap
MAX_EXACT_GROUPS = 2000  # groups, above which StratifiedGroupKFold takes longer than a few seconds


def merge_groups(*keys: np.ndarray) -> np.ndarray:
    """Groups (N,) of rows that share a value of any key (N,), be it by way of others; "" is no value."""
    pairs = [np.empty((0, 2), np.int64)]
    for key in keys:
        first: dict[Any, int] = {}
        values = ((row, value) for row, value in enumerate(key) if value != "")
        linked = [(earlier, row) for row, value in values if (earlier := first.setdefault(value, row)) != row]
        pairs.append(np.array(linked, np.int64).reshape(-1, 2))
    return duplicates.components(len(keys[0]), np.concatenate(pairs))


def assign_folds(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold (N,) of each row: groups stay whole, each class is spread as evenly as they allow.

    Where no rows belong together these are the folds of scikit-learn's StratifiedKFold, without its import, which takes
    longer than all else here. StratifiedGroupKFold takes a second for a thousand groups: it is asked only where some
    rows belong together, and in up to `MAX_EXACT_GROUPS` groups.
    """
    n_groups = len(np.unique(groups))
    if n_groups == len(groups):
        return _assign_single_rows(labels, folds, seed)
    if n_groups > MAX_EXACT_GROUPS:
        return _assign_many_groups(labels, groups, folds, seed)
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold = np.empty(len(labels), np.int64)
    for fold_index, (_, held_out) in enumerate(splitter.split(labels, labels, groups)):
        fold[held_out] = fold_index
    return fold


def _assign_single_rows(labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold (N,) of each row: classes, as they come first, are dealt out in turn; each class's rows are shuffled."""
    _, first, label = np.unique(labels, return_index=True, return_inverse=True)
    label = np.argsort(np.argsort(first))[label]  # (N,) numbered as they come first
    dealt, random = np.sort(label), np.random.RandomState(seed)
    fold = np.empty(len(labels), np.int64)
    for k in range(len(first)):
        of_class = [np.count_nonzero(dealt[f::folds] == k) for f in range(folds)]
        shuffled = np.arange(folds).repeat(of_class)
        random.shuffle(shuffled)
        fold[label == k] = shuffled
    return fold


def _assign_many_groups(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold (N,) of each row: groups shuffled, sorted by class (of their first row) and size, assigned in turn."""
    _, first, group, size = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    label = np.unique(labels[first], return_inverse=True)[1]  # (G,)
    order = np.lexsort((np.random.default_rng(seed).random(len(first)), -size, label))
    fold = np.empty(len(first), np.int64)
    fold[order] = np.arange(len(first)) % folds
    row_folds: np.ndarray = fold[group]
    return row_folds


def assign_parts(labels: np.ndarray, groups: np.ndarray, official: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The part of each row in each fold: (N, folds) of train, validation, test and unused.

    In fold f the rows of fold f are the test part and those of the next one the validation part. Where
    ``official`` (N,) says "test", those rows are the test part always, fold f is the validation part, and
    other rows of a group with a test row in it are not used.

    Raises: UserError if a class has too few groups, or a part would be without a class.
    """
    if folds < MIN_FOLDS:
        raise UserError(
            f"split.folds={folds} is too few: one each to train, validate and test makes at least {MIN_FOLDS}."
        )
    fixed = official == TEST
    free = ~np.isin(groups, groups[fixed])
    _check_groups(labels[free], groups[free], sorted(set(labels.tolist())), folds, bool(fixed.any()))
    fold = np.full(len(labels), -1)
    fold[free] = assign_folds(labels[free], groups[free], folds, seed)
    parts = np.full((len(labels), folds), TRAIN, object)
    for f in range(folds):
        parts[fold == (f if fixed.any() else (f + 1) % folds), f] = VALIDATION
        parts[fixed if fixed.any() else fold == f, f] = TEST
    parts[~free & ~fixed] = UNUSED
    _check_parts(labels, parts)
    return parts


def _check_groups(labels: np.ndarray, groups: np.ndarray, classes: list[str], folds: int, official: bool) -> None:
    beside = ", and what has a copy in the official test part as none" if official else ""
    for label in classes:
        n_groups = len(np.unique(groups[labels == label]))
        if n_groups < folds:
            less = f", or set split.folds={n_groups}" if n_groups >= MIN_FOLDS else ""
            raise UserError(
                f"Class {label} has {n_groups} independent samples (duplicates, and samples of one source, "
                f"count as one{beside}), and {folds} folds need {folds}: add some{less}."
            )


def _check_parts(labels: np.ndarray, parts: np.ndarray) -> None:
    classes = sorted(set(labels.tolist()))
    number = {label: k for k, label in enumerate(classes)}
    label = np.array([number[name] for name in labels.tolist()])  # whole numbers are told apart faster than names
    for f in range(parts.shape[1]):
        for part in (TRAIN, VALIDATION, TEST):
            count = np.bincount(label[parts[:, f] == part], minlength=len(classes))
            if lacking := [name for name, rows in zip(classes, count, strict=True) if not rows]:
                raise UserError(
                    f"In fold {f} the {part} part has no sample of class {', '.join(lacking)}: its groups "
                    "are too large. Set a smaller split.folds, another seed, or add samples."
                )


def forward_chaining(labels: np.ndarray, folds: int, gap: int) -> np.ndarray:
    """The part of each row in each fold, (N, folds), of rows in the order of time: forward chaining.

    The rows are cut into ``folds`` + 2 blocks, the first of which takes what is left over. Fold 0 tests on the
    last block, validates on the one before and trains on all before that; fold f does so f blocks earlier, and
    what is later than its test part is not used. Nor are the last ``gap`` rows before a validation or test part,
    so that no sample of one part sees days of another. Nothing is drawn: the split's seed changes nothing.

    Raises: UserError if a block is too short for the gap, or a class is met only after the train part.
    """
    n_rows = len(labels)
    block = n_rows // (folds + 2)
    if folds < 1 or block < gap + MIN_BLOCK_ROWS:
        max_folds = n_rows // (gap + MIN_BLOCK_ROWS) - 2
        raise UserError(
            f"split.folds={folds} cannot be cut by time from {n_rows} rows, since each of {folds + 2} blocks needs "
            f"{gap} rows between two parts and {MIN_BLOCK_ROWS} more: "
            + (f"set split.folds from 1 to {max_folds}." if max_folds > 0 else "choose a shorter window, or add rows.")
        )
    parts = np.full((n_rows, folds), UNUSED, object)
    for f in range(folds):
        test = n_rows - (f + 1) * block
        parts[: test - block - gap, f] = TRAIN
        parts[test - block : test - gap, f] = VALIDATION
        parts[test : test + block, f] = TEST
    _check_past(labels, parts)
    return parts


def _check_past(labels: np.ndarray, parts: np.ndarray) -> None:
    """By time a part may lack a rare class, as the future may; but what is measured must have been seen before."""
    for f in range(parts.shape[1]):
        later = set(labels[(parts[:, f] == VALIDATION) | (parts[:, f] == TEST)])
        if new := sorted(later - set(labels[parts[:, f] == TRAIN])):
            raise UserError(
                f"In fold {f} class {', '.join(new)} is met only after the train part, so nothing can learn it: "
                "set a smaller split.folds, or leave this class out."
            )
