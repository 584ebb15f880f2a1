"""A split as files: ``parts.csv``, the part of each row in each fold, and ``parts.json``, what it was made of.

Reads the pack's index only, never a sample. All folds of a seed are written at once.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from overcast.core.atomic import new_file, whole_file
from overcast.core.console import show
from overcast.core.csv_rows import read_csv, write_rows
from overcast.core.errors import DamagedError, UserError
from overcast.core.hashes import is_unchanged, with_checksum
from overcast.prepare.calibration_part import hold_out_calibration, latest_as_calibration
from overcast.prepare.folds import CALIBRATION, TEST, TRAIN, UNUSED, assign_parts, forward_chaining, merge_groups
from overcast.prepare.pack import damaged_pack, read_info, read_table
from overcast.prepare.published_split import leaked_rows, published_hash, published_parts


def split(name: str, root: Path, seed: int, folds: int = 10, file: str | None = None, calibration: float = 0.0) -> None:
    """Writes ``root/<name>/parts.csv`` (row, file, label, fold0 …) and ``parts.json`` beside it.

    Where the data has source groups, parts.csv also has random0 …: folds that cut them, but no duplicates.
    file: a published split, which is taken instead of drawing one. calibration: the fraction of each train part that is
    held out of it (`prepare.calibration_part`), 0 for none.

    Raises: UserError as `assign_parts`, `forward_chaining`, `hold_out_calibration` and `published_parts` do, or if
    there is no pack.
    """
    info = read_info(root, name)
    index = read_table(root, name, "index.csv", ("file", "label", "group", "part", "duplicate"))
    try:
        labels, official = index["label"], index["part"]
        groups, duplicate = merge_groups(index["group"], index["duplicate"]), index.pop("duplicate")
    except (ValueError, LookupError):
        raise damaged_pack(root, name) from None
    time = info.get("time")
    if file:
        left_out = set(read_table(root, name, "audit.csv")["file"])
        parts = published_parts(file, index["file"], labels, folds, left_out)
    elif time:
        parts = forward_chaining(labels, folds, time["gap"])
        if calibration:
            parts = latest_as_calibration(parts, labels, calibration, time["gap"])
    else:
        parts = _drawn(labels, groups, official, folds, seed, calibration)
    columns = _columns("fold", parts)
    if random := bool((index["group"] != "").any()) and not time and not file:
        columns |= _columns("random", _drawn(labels, merge_groups(duplicate), official, folds, seed, calibration))
    counts = {column: Counter(parts.tolist()) for column, parts in columns.items()}
    about = {"seed": seed, "folds": folds, "random": random, "pack": info["fingerprint"], "counts": counts}
    about |= {"calibration": calibration} if calibration else {}
    if file:
        leaks = [leaked_rows(parts[:, fold], groups) for fold in range(folds)]
        about |= {"published": published_hash(file), "leaked_test_rows": leaks}
    lines = zip(range(len(labels)), index["file"], labels, *columns.values(), strict=True)
    with new_file(root / name / "parts.csv") as part:
        with part.open("w", encoding="utf8", errors="surrogateescape", newline="") as table:
            write_rows(table, chain([["row", "file", "label", *columns]], lines))
        about["fingerprint"] = _fingerprint(info["fingerprint"], part)
    whole_file(root / name / "parts.json", json.dumps(with_checksum(about), indent=1) + "\n")
    if file:
        _print_published(file, counts, leaks)
    elif unused := counts["fold0"][UNUSED]:
        why = "they lie between parts that are cut by time" if time else "they go with rows of the official test part"
        show(f"{unused:,} rows are not used: {why}.")
    if held_out := counts["fold0"][CALIBRATION]:
        of = counts["fold0"][TRAIN] + held_out
        show(f"fold0: {held_out:,} of {of:,} train rows are held out to calibrate probabilities.")


def _drawn(
    labels: np.ndarray, groups: np.ndarray, official: np.ndarray, folds: int, seed: int, calibration: float
) -> np.ndarray:
    parts = assign_parts(labels, groups, official, folds, seed)
    return hold_out_calibration(parts, labels, groups, calibration, seed) if calibration else parts


def _print_published(file: str, counts: dict[str, Counter[str]], leaks: list[int]) -> None:
    """What a published split leaves out, and what it cuts."""
    for (fold, of_part), leaked in zip(counts.items(), leaks, strict=True):
        if of_part[UNUSED]:
            show(f"{fold}: {of_part[UNUSED]:,} rows are not used: {file} does not name them.")
        if leaked:
            show(
                f"{fold}: LEAK: of {of_part[TEST]:,} test rows {leaked:,} have a near-duplicate, or a sample of "
                "the same source, in the train or validation part. The split is taken as it was published."
            )


def _columns(kind: str, parts: np.ndarray) -> dict[str, np.ndarray]:
    """Parts (N, folds) by the name of their column in parts.csv."""
    return {f"{kind}{f}": parts[:, f] for f in range(parts.shape[1])}


def read_parts(
    root: Path,
    name: str,
    seed: int,
    fold: int,
    folds: int,
    ignore_groups: bool = False,
    file: str | None = None,
    calibration: float = 0.0,
) -> np.ndarray:
    """The part (N,) of each row of the pack in this fold.

    ignore_groups: in the folds that cut source groups, to see what it is worth to a network to know the source.
    file: the published split that it is to be, or None for one that was drawn. calibration: as it was split with.

    Raises: UserError if there is no split, it is of another seed, number of folds, calibration part, file or pack, or
    it is damaged; or if ``ignore_groups`` is asked of data without source groups.
    """
    about, again = read_split_info(root, name), f"run {_command('split', name)} again"
    path = root / name / "parts.csv"
    if not 0 <= fold < folds:
        raise UserError(f"split.fold={fold} is not one of the {folds} folds: choose 0 to {folds - 1}.")
    _refuse_other_file(path, name, about.get("published", ""), file, folds)
    there, asked = (about["seed"], about["folds"], about.get("calibration", 0.0)), (seed, folds, calibration)
    if there != asked:
        made, wanted = (f"seed={s}, folds={n}" + f", calibration={c:g}" * bool(c) for s, n, c in (there, asked))
        raise UserError(
            f"The split in {path} was made with {made}, but the config asks for {wanted}: "
            f"run `python pipelines/split.py data={name} split.seed={seed} split.folds={folds}"
            f"{f' split.file={file}' if file else ''}"
            f"{f' split.calibration={calibration:g}' if calibration else ''}` (or `dvc repro`)."
        )
    if about["pack"] != read_info(root, name)["fingerprint"]:
        raise UserError(f"The pack of {name} has changed since {path} was made: {again}.")
    if ignore_groups and not about.get("random"):
        raise UserError(
            f"split.ignore_groups=true ignores source groups (speakers, documents, days), and {name} has none: its "
            "split is a random one already. Leave it out."
        )
    try:
        if _fingerprint(about["pack"], path) != about["fingerprint"]:
            raise ValueError("changed")
        column = f"{'random' if ignore_groups else 'fold'}{fold}"
        return read_csv(path, [column])[column].astype(str)
    except (OSError, ValueError, LookupError, csv.Error):
        raise DamagedError(f"The split in {path} is damaged: {again}.") from None


def _refuse_other_file(path: Path, name: str, published: str, file: str | None, folds: int) -> None:
    """Raises: UserError if the split is not of this published file, or of any where none is given."""
    if published == published_hash(file):
        return
    made = "from a published file"
    asked, words = "a split that is drawn", ""
    if file:
        made = "from another published file, or one that has changed since" if published else "by drawing"
        asked, words = f"split.file={file}", f" split.file={file} split.folds={folds}"
    raise UserError(
        f"The split in {path} was made {made}, but the config asks for {asked}: run `python pipelines/split.py "
        f"data={name}{words}` (or `dvc repro -f split`)."
    )


def read_split_info(root: Path, name: str) -> dict[str, Any]:
    """What parts.json says: seed, folds, counts, and the fingerprint of pack and split together.

    Raises: UserError if the data has not been split.
    """
    path = root / name / "parts.json"
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
        about["seed"], about["folds"], about["pack"], about["fingerprint"]
        if not is_unchanged(about):
            raise ValueError("changed")
    except FileNotFoundError:
        raise UserError(f"{name} has not been split yet: run {_command('split', name)} first.") from None
    except (OSError, ValueError, LookupError, TypeError):
        raise DamagedError(f"{path} is damaged: run {_command('split', name)} again.") from None
    return about


def _fingerprint(pack: str, parts: Path) -> str:
    """Of the pack's fingerprint and the file of its parts."""
    with parts.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha256(pack.encode())).hexdigest()


def _command(stage: str, name: str) -> str:
    return f"`python pipelines/{stage}.py data={name}` (or `dvc repro`)"
