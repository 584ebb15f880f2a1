"""A fourth part, taken from the train rows: what temperature, conformal sets and thresholds are learned on.

Nothing else sees it: no training, tuning or early stopping. Validation and test part stay as they are without it.
"""

from __future__ import annotations

import numpy as np

from overcast.core.errors import UserError
from overcast.prepare.folds import CALIBRATION, TRAIN, UNUSED, assign_folds


def hold_out_calibration(
    parts: np.ndarray, labels: np.ndarray, groups: np.ndarray, fraction: float, seed: int
) -> np.ndarray:
    """The parts (N, folds) with about this fraction of each fold's train rows as "calibration".

    As the folds are drawn: groups (N,) stay whole, classes are stratified. The train rows are dealt into 1/fraction
    parts, or into as many as a class has groups where those are fewer; the first is taken.

    Raises: UserError if a class has one group only in a train part, or one of the two parts would be without it.
    """
    held_out = parts.copy()
    for f in range(parts.shape[1]):
        train = np.flatnonzero(parts[:, f] == TRAIN)
        held_out[train[_dealt(labels[train], groups[train], fraction, seed, f) == 0], f] = CALIBRATION
        for part in (TRAIN, CALIBRATION):
            if lacking := sorted(set(labels[train]) - set(labels[held_out[:, f] == part])):
                raise UserError(
                    f"split.calibration={fraction:g}: in fold {f} the {part} part has no sample of class "
                    f"{', '.join(lacking)}: its groups are too large. Set another fraction or split.seed"
                )
    return held_out


def _dealt(labels: np.ndarray, groups: np.ndarray, fraction: float, seed: int, fold: int) -> np.ndarray:
    fewest, rarest = min((len(np.unique(groups[labels == label])), label) for label in np.unique(labels))
    if fewest < 2:
        raise UserError(
            f"split.calibration={fraction:g}: in fold {fold} class {rarest} has one independent sample only in the "
            "train part (duplicates, and samples of one source, count as one): add some, or leave it out"
        )
    return assign_folds(labels, groups, min(max(round(1 / fraction), 2), fewest), seed)


def latest_as_calibration(parts: np.ndarray, labels: np.ndarray, fraction: float, gap: int) -> np.ndarray:
    """The same of rows in the order of time: the last of the train rows; ``gap`` rows before them are not used.

    Raises: UserError if too few rows are left, or a class is met only after the train part.
    """
    held_out = parts.copy()
    for f in range(parts.shape[1]):
        train = np.flatnonzero(parts[:, f] == TRAIN)
        first = len(train) - max(1, round(fraction * len(train)))
        held_out[train[first:], f] = CALIBRATION
        held_out[train[max(0, first - gap) : first], f] = UNUSED
        if new := sorted(set(labels[train]) - set(labels[held_out[:, f] == TRAIN])):
            raise UserError(
                f"split.calibration={fraction:g}: in fold {f} class {', '.join(new)} is met only after the train "
                "part, so nothing can learn it. Set a smaller fraction or split.folds"
            )
    return held_out
