"""Which rows train, which validate, which test: stratified, and never two of a kind on different sides.

What is to be predicted from its past is cut by time instead: no part is later than the one it is to measure.

Reads the pack's index only, never a sample. All folds of a seed are written at once.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from overcast.core.atomic import whole_file
from overcast.core.errors import UserError
from overcast.prepare import duplicates
from overcast.prepare.pack import read_csv, read_info
from overcast.prepare.published_split import leaked_rows, published_hash, published_parts

TRAIN, VALIDATION, TEST, UNUSED = "train", "validation", "test", "unused"
MIN_FOLDS = 3  # folds: one each to train, validate and test
MIN_BLOCK_ROWS = 2  # rows that a block cut by time must have beside its gap
MAX_EXACT_GROUPS = 2000  # groups, above which StratifiedGroupKFold takes longer than a few seconds


def merge_groups(*keys: np.ndarray) -> np.ndarray:
    """Groups (N,) of rows that share a value of any key (N,), be it by way of others; "" is no value."""
    pairs = [np.empty((0, 2), np.int64)]
    for key in keys:
        first: dict[Any, int] = {}
        linked = [(first.setdefault(value, row), row) for row, value in enumerate(key) if value != ""]
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
    _check_groups(labels[free], groups[free], np.unique(labels), folds)
    fold = np.full(len(labels), -1)
    fold[free] = assign_folds(labels[free], groups[free], folds, seed)
    parts = np.full((len(labels), folds), TRAIN, object)
    for f in range(folds):
        parts[fold == (f if fixed.any() else (f + 1) % folds), f] = VALIDATION
        parts[fixed if fixed.any() else fold == f, f] = TEST
    parts[~free & ~fixed] = UNUSED
    _check_parts(labels, parts)
    return parts


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


def split(name: str, root: Path, seed: int, folds: int = 10, file: str | None = None) -> None:
    """Writes ``root/<name>/parts.csv`` (row, file, label, fold0 …) and ``parts.json`` beside it.

    Where the data has source groups, parts.csv also has random0 …: folds that cut them, but no duplicates.
    file: a published split, which is taken instead of drawing one.

    Raises: UserError as `assign_parts`, `forward_chaining` and `published_parts` do, or if there is no pack.
    """
    info = read_info(root, name)
    try:
        index = read_csv(root / name / "pack" / "index.csv")
        labels, official = index["label"], index["part"]
        groups, twins = merge_groups(index["group"], index["duplicate"]), merge_groups(index["duplicate"])
    except (OSError, ValueError, LookupError, csv.Error):
        raise UserError(f"The pack in {root / name / 'pack'} is damaged: run {_command('pack', name)} again.") from None
    time = info.get("time")
    if file:
        parts = published_parts(file, index["file"], labels, folds, _left_out(root / name))
    elif time:
        parts = forward_chaining(labels, folds, time["gap"])
    else:
        parts = assign_parts(labels, groups, official, folds, seed)
    columns = _columns("fold", parts)
    if random := bool((index["group"] != "").any()) and not time and not file:
        columns |= _columns("random", assign_parts(labels, twins, official, folds, seed))
    text = io.StringIO()
    lines = zip(index["row"], index["file"], labels, *columns.values(), strict=True)
    csv.writer(text, lineterminator="\n").writerows([["row", "file", "label", *columns], *lines])
    counts = {column: Counter(parts.tolist()) for column, parts in columns.items()}
    about = {"seed": seed, "folds": folds, "random": random, "pack": info["fingerprint"], "counts": counts}
    if file:
        leaks = [leaked_rows(parts[:, fold], groups) for fold in range(folds)]
        about |= {"published": published_hash(file), "leaked_test_rows": leaks}
    about["fingerprint"] = _fingerprint(info["fingerprint"], text.getvalue())
    whole_file(root / name / "parts.csv", text.getvalue())
    whole_file(root / name / "parts.json", json.dumps(about, indent=1) + "\n")
    if file:
        _print_published(file, counts, leaks)
    elif unused := counts["fold0"][UNUSED]:
        why = "they lie between parts that are cut by time" if time else "they go with rows of the official test part"
        print(f"{unused:,} rows are not used: {why}.")


def _left_out(folder: Path) -> set[str]:
    """The files of the data that the pack lacks, as its audit has them."""
    return set(read_csv(folder / "pack" / "audit.csv")["file"]) if (folder / "pack" / "audit.csv").exists() else set()


def _print_published(file: str, counts: dict[str, Counter[str]], leaks: list[int]) -> None:
    """What a published split leaves out, and what it cuts."""
    for (fold, of_part), leaked in zip(counts.items(), leaks, strict=True):
        if of_part[UNUSED]:
            print(f"{fold}: {of_part[UNUSED]:,} rows are not used: {file} does not name them.")
        if leaked:
            print(
                f"{fold}: LEAK: of {of_part[TEST]:,} test rows {leaked:,} have a near-duplicate, or a sample of "
                "the same source, in the train or validation part. The split is taken as it was published."
            )


def _columns(kind: str, parts: np.ndarray) -> dict[str, np.ndarray]:
    """Parts (N, folds) by the name of their column in parts.csv."""
    return {f"{kind}{f}": parts[:, f] for f in range(parts.shape[1])}


def read_parts(
    root: Path, name: str, seed: int, fold: int, folds: int, ignore_groups: bool = False, file: str | None = None
) -> np.ndarray:
    """The part (N,) of each row of the pack in this fold.

    ignore_groups: in the folds that cut source groups, to see what it is worth to a network to know the source.
    file: the published split that it is to be, or None for one that was drawn.

    Raises: UserError if there is no split, it is of another seed, number of folds, file or pack, or it is damaged;
    or if ``ignore_groups`` is asked of data without source groups.
    """
    about, again = read_split_info(root, name), f"run {_command('split', name)} again"
    path = root / name / "parts.csv"
    if not 0 <= fold < folds:
        raise UserError(f"split.fold={fold} is not one of the {folds} folds: choose 0 to {folds - 1}.")
    _refuse_other_file(path, name, about.get("published", ""), file, folds)
    if (about["seed"], about["folds"]) != (seed, folds):
        made, wanted = (f"seed={s}, folds={n}" for s, n in ((about["seed"], about["folds"]), (seed, folds)))
        raise UserError(
            f"The split in {path} was made with {made}, but the config asks for {wanted}: "
            f"run `python pipelines/split.py data={name} split.seed={seed} split.folds={folds}"
            f"{f' split.file={file}' if file else ''}` (or `dvc repro`)."
        )
    if about["pack"] != read_info(root, name)["fingerprint"]:
        raise UserError(f"The pack of {name} has changed since {path} was made: {again}.")
    if ignore_groups and not about.get("random"):
        raise UserError(
            f"split.ignore_groups=true ignores source groups (speakers, documents, days), and {name} has none: its "
            "split is a random one already. Leave it out."
        )
    try:
        text = path.read_text(encoding="utf8", errors="surrogateescape")
        if _fingerprint(about["pack"], text) != about["fingerprint"]:
            raise ValueError("changed")
        return read_csv(path)[f"{'random' if ignore_groups else 'fold'}{fold}"].astype(str)
    except (OSError, ValueError, LookupError, csv.Error):
        raise UserError(f"The split in {path} is damaged: {again}.") from None


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
    except FileNotFoundError:
        raise UserError(f"{name} has not been split yet: run {_command('split', name)} first.") from None
    except (OSError, ValueError, LookupError, TypeError):
        raise UserError(f"{path} is damaged: run {_command('split', name)} again.") from None
    return about


def _check_groups(labels: np.ndarray, groups: np.ndarray, classes: np.ndarray, folds: int) -> None:
    for label in classes:
        n_groups = len(np.unique(groups[labels == label]))
        if n_groups < folds:
            less = f", or set split.folds={n_groups}" if n_groups >= MIN_FOLDS else ""
            raise UserError(
                f"Class {label} has {n_groups} independent samples (duplicates, and samples of one source, "
                f"count as one), and {folds} folds need {folds}: add some{less}."
            )


def _check_parts(labels: np.ndarray, parts: np.ndarray) -> None:
    for f in range(parts.shape[1]):
        for part in (TRAIN, VALIDATION, TEST):
            if lacking := sorted(set(labels) - set(labels[parts[:, f] == part])):
                raise UserError(
                    f"In fold {f} the {part} part has no sample of class {', '.join(lacking)}: its groups "
                    "are too large. Set a smaller split.folds, another seed, or add samples."
                )


def _check_past(labels: np.ndarray, parts: np.ndarray) -> None:
    """By time a part may lack a rare class, as the future may; but what is measured must have been seen before."""
    for f in range(parts.shape[1]):
        later = set(labels[(parts[:, f] == VALIDATION) | (parts[:, f] == TEST)])
        if new := sorted(later - set(labels[parts[:, f] == TRAIN])):
            raise UserError(
                f"In fold {f} class {', '.join(new)} is met only after the train part, so nothing can learn it: "
                "set a smaller split.folds, or leave this class out."
            )


def _fingerprint(pack: str, parts: str) -> str:
    return hashlib.sha256((pack + parts).encode("utf8", "surrogateescape")).hexdigest()


def _command(stage: str, name: str) -> str:
    return f"`python pipelines/{stage}.py data={name}` (or `dvc repro`)"
