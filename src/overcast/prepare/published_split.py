"""A split that others have published, in the place of one that is drawn: a csv file that says the part of each file.

``file``: as in the pack's index. ``part``: train, validation or test, or
calibration for those that only probabilities are calibrated on. ``fold``, from 0, where the split has several;
each fold then says the part of its files. What a fold does not name is not used. Such a split is taken as it is: it may
cut what is drawn whole, near-duplicates and samples of one source, and how often it does is counted.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from overcast.core.csv_rows import read_csv
from overcast.core.errors import UserError

PUBLISHED = ("train", "validation", "test")
OPTIONAL = ("calibration",)


def published_hash(file: str | None) -> str:
    """SHA-256 of the file, "" for none. Raises: UserError if it cannot be read."""
    if not file:
        return ""
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        raise UserError(f"split.file={file}: there is no such file, or it cannot be read") from None


def published_parts(
    file: str, files: np.ndarray, labels: np.ndarray, folds: int, left_out: Collection[str]
) -> np.ndarray:
    """The part (N, folds) of each row in each fold, "unused" for what a fold does not name.

    files, labels: (N,) of the pack. left_out: files of the data that are in no pack, since they cannot be read.

    Raises: UserError if the file is no such split, is of other data, or is one that nothing can be learned or measured
    by.
    """
    table = _read(file)
    fold = table.get("fold", np.full(len(table["file"]), "0", object))
    known = [str(number) for number in range(folds)]
    if strange := sorted(set(fold) - set(known)):
        told = f"it has a fold {strange[0]}, and split.folds={folds} has {', '.join(known[:5])}{', …' * (folds > 5)}"
        raise UserError(f"split.file={file}: {told}. Set split.folds to as many as the file has, counted from 0")
    if strange := sorted(set(table["part"]) - {*PUBLISHED, *OPTIONAL}):
        raise UserError(f"split.file={file}: {_some(strange, 'part')} is none: name {', '.join(PUBLISHED + OPTIONAL)}")
    row = {name: number for number, name in enumerate(files)}
    if len(row) < len(files):
        raise UserError(
            f"split.file={file}: these data have several samples of one file, which its name cannot tell apart"
        )
    if new := sorted(set(table["file"]) - row.keys() - set(left_out)):
        raise UserError(
            f"split.file={file}: {_some(new, 'file')} of it {'is' if len(new) == 1 else 'are'} not in the data"
        )
    parts = np.full((len(files), folds), "unused", object)
    for name, part, number in zip(table["file"], table["part"], fold, strict=True):
        if name in row:
            if parts[row[name], int(number)] != "unused":
                raise UserError(f"split.file={file}: it has {name} twice in fold {number}")
            parts[row[name], int(number)] = part
    _check(file, labels, parts)
    return parts


def leaked_rows(parts: np.ndarray, groups: np.ndarray) -> int:
    """How many test rows have another row of their group (N,) among those that are trained or validated on.

    parts: (N,) of one fold.
    """
    seen = groups[np.isin(parts, ("train", "validation"))]
    return int(np.isin(groups[parts == "test"], seen).sum())


def _read(file: str) -> dict[str, np.ndarray]:
    try:
        table = read_csv(Path(file))
    except (OSError, ValueError, csv.Error):
        raise UserError(f"split.file={file}: there is no such csv file, or it cannot be read") from None
    if lacking := [name for name in ("file", "part") if name not in table]:
        raise UserError(f"split.file={file}: it has no column {' or '.join(lacking)}, only {', '.join(table)}")
    return table


def _check(file: str, labels: np.ndarray, parts: np.ndarray) -> None:
    for fold in range(parts.shape[1]):
        for part in PUBLISHED:
            if not (parts[:, fold] == part).any():
                raise UserError(f"split.file={file}: fold {fold} has no {part} part. Give it some files")
        measured = set(labels[np.isin(parts[:, fold], PUBLISHED[1:] + OPTIONAL)])
        if new := sorted(measured - set(labels[parts[:, fold] == "train"])):
            raise UserError(f"split.file={file}: fold {fold} trains on no sample of class {', '.join(new)}")


def _some(names: list[str], what: str) -> str:
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names)} {what}{'s' * (len(names) > 1)} ({shown})"
