"""Predictions of a model trained elsewhere join a comparison as a cell of their own, on the same split.

A csv file, or a folder of them (such as one a fold), with a row for each file of a fold's test part:

- ``file``: as in a run's evaluation/predictions.csv;
- a column for each class, its probability; or else ``predicted`` or ``label``, the class alone: then the accuracy is
  known, and no likelihood;
- ``fold``, where a file is in the test part of several folds.

A run's own predictions.csv is such a file. What such a model does on its train part is unknown: it has no gap.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from overcast.comparison.pairs import finished_contexts
from overcast.comparison.trials import answers
from overcast.comparison.wording import listed
from overcast.core.errors import UserError
from overcast.core.words import translate
from overcast.evaluation.sample_outcomes import LEAST, outcomes_of_samples
from overcast.study.outcomes import OUTCOMES
from overcast.tracking.run_folder import Run

OTHERS = ("row", "group", "file", "label", "predicted", "error", "fold")
"""Columns that are no class."""

SHARED = (
    "data", "model", "train_fraction", "epochs", "rest", "repeat", "seed", "fold", "split_seed", "design", "equal",
    "lengths", "diverged",
)  # fmt: skip
"""What such a cell has in common with the control's trial that it is compared with."""

SUM_TOLERANCE = 0.01
"""Probabilities that were rounded for a file sum to 1 within this."""


class FoldTest(NamedTuple):
    """The test part of a fold, in the order of the pack: files, their labels, and (M,) rows and groups of the pack."""

    files: list[str]
    labels: list[str]
    places: dict[str, np.ndarray]


def joined(
    path: Path, runs: Sequence[Run], trials: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, dict[str, np.ndarray]], str]:
    """The trials with those of another model, what it says to each sample of a fixed test part, and a note on it.

    path: as above; the cell is named after it. trials: as `overcast.comparison.trials.trials` gives them. One
    model a fold stands for every seed of that fold: it is compared with the mean over the control's seeds.

    Raises: UserError if the files are not those of the test part, a class is not one of the data, probabilities are
    none, or the study has not one single context of one split.
    """
    groups = finished_contexts(trials)
    if len(groups) > 1 or trials["split_seed"].nunique() > 1:
        raise UserError(
            f"predictions={path}: they join a study of one network on one split, and this one compares within "
            f"{listed([group.name or str(group.control) for group in groups])}"
        )
    if (trials["cell"] == path.stem).any():
        raise UserError(f"predictions={path}: the study has a cell {path.stem} itself: name the file otherwise")
    parts, classes = _test_parts(runs)
    table = _by_fold(path, _read(path), parts)
    control = groups[0].rows(groups[0].control)
    official = any(run.facts.get("official_test") for run in runs)
    several = trials["mitigation"].nunique() > 1
    rows, told = [], {}
    for fold, some in table.groupby("fold", sort=False):
        part = parts[int(fold)]
        figures, of_rows = _measure(path, some.set_index("file").loc[part.files], part, classes)
        for _, base in control[control["fold"] == fold].iterrows():
            key = f"{path.stem}-{base['repeat']}"
            mitigation = path.stem if several else base["mitigation"]
            own = {"run_id": key, "mitigation": mitigation, "cell": path.stem, "name": path.stem, "seconds": np.nan}
            rows.append(base[[*SHARED]].to_dict() | own | figures)
            if official:
                told[key] = of_rows
    note = translate(
        "{cell} was not trained here and not planned with this study: its predictions come from {file}. Its gap is "
        "unknown, and one model a fold stands for all seeds of it.",
        cell=path.stem,
        file=path.name,
    )
    return pd.concat([trials, pd.DataFrame(rows)], ignore_index=True), told, note


def _test_parts(runs: Sequence[Run]) -> tuple[dict[int, FoldTest], list[str]]:
    """Each fold's test part, as the first run in it was measured on it, and the names of the classes."""
    parts: dict[int, FoldTest] = {}
    classes = list(runs[0].spec.classes)
    for run in runs:
        fold = run.config.split.fold
        if fold not in parts:
            measured = _read_csv(io.StringIO(run.predictions, newline=""))
            (known,) = answers([run]).values()
            places = {name: known[name] for name in ("row", "group")}
            parts[fold] = FoldTest(list(measured["file"]), list(measured["label"]), places)
    return parts, classes


def _read(path: Path) -> pd.DataFrame:
    """The rows of a file, or of all in a folder, as text."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise UserError(f"predictions={path}: there is no such csv file, nor a folder of them")
    try:
        tables = [_read_csv(file) for file in files]
    except (ValueError, OSError, pd.errors.ParserError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"predictions={path}: this cannot be read as a table ({reason})") from None
    table = pd.concat(tables, ignore_index=True)
    if "file" not in table or table.empty:
        raise UserError(
            f"predictions={path}: a column file is missing, or there is no row. It has: {listed(list(table))}"
        )
    return table


def _read_csv(source: Path | io.StringIO) -> pd.DataFrame:
    return pd.read_csv(source, dtype=str, keep_default_na=False, encoding_errors="surrogateescape")


def _by_fold(path: Path, table: pd.DataFrame, parts: Mapping[int, FoldTest]) -> pd.DataFrame:
    """The table with the fold of each row, each fold whole."""
    if "fold" not in table:
        table = table.assign(fold=_found_folds(path, table["file"], parts))
    unknown = sorted(set(table["fold"].astype(str)) - {str(fold) for fold in parts})
    if unknown:
        raise UserError(f"predictions={path}: the study has no fold {listed(unknown)}, only {listed(_names(parts))}")
    table = table.assign(fold=table["fold"].astype(int))
    for fold, some in table.groupby("fold"):
        where, expected = f"predictions={path}: fold {fold}", parts[int(fold)].files
        if len(set(expected)) < len(expected):
            raise UserError(f"{where} has several samples of one file, which a file's name cannot tell apart")
        if twice := sorted(some.loc[some["file"].duplicated(), "file"]):
            raise UserError(f"{where} has {len(twice)} files twice ({listed(twice)})")
        if new := sorted(set(some["file"]) - set(expected)):
            raise UserError(f"{where} has {len(new)} files that are not in its test part ({listed(new)})")
        if lacking := sorted(set(expected) - set(some["file"])):
            raise UserError(f"{where} lacks {len(lacking)} of the {len(expected)} files to predict ({listed(lacking)})")
    return table


def _names(parts: Mapping[int, FoldTest]) -> list[str]:
    return [str(fold) for fold in sorted(parts)]


def _found_folds(path: Path, files: pd.Series, parts: Mapping[int, FoldTest]) -> list[int]:
    """The fold of each file: the one whose test part it is in."""
    found: dict[str, list[int]] = {}
    for fold, part in parts.items():
        for file in part.files:
            found.setdefault(file, []).append(fold)
    if new := sorted(set(files) - set(found)):
        raise UserError(f"predictions={path}: {len(new)} files are in no test part ({listed(new)})")
    if any(len(set(found[file])) > 1 for file in files):
        raise UserError(f"predictions={path}: a file is in the test part of several folds: add a column fold")
    return [found[file][0] for file in files]


def _measure(
    path: Path, table: pd.DataFrame, part: FoldTest, classes: list[str]
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The outcomes of one fold, NaN where they are unknown, and those of each of its samples (M,), with their places.

    table: by file, in the order of the part.
    """
    target = np.array([classes.index(label) for label in part.labels])
    probabilities = _probabilities(path, table, classes)
    known = probabilities is not None
    if probabilities is None:
        probabilities = np.eye(len(classes))[_predicted(path, table, classes)]
    true = probabilities[np.arange(len(target)), target]
    if known and len(never := table.index[true == 0]):
        raise UserError(
            f"predictions={path}: the true class of {len(never)} files has the probability 0 ({listed(list(never))}), "
            "which no likelihood survives. Give more digits, or leave the classes' columns out for a column predicted: "
            "then accuracy alone is compared"
        )
    figures = _figures(probabilities, target)
    unknown = () if known else ("test/nll", "test/ece")
    outcomes = {o.column: np.nan if o.column in unknown else figures.get(o.column, np.nan) for o in OUTCOMES}
    of_rows = outcomes_of_samples(probabilities.argmax(1) == target, true)
    return outcomes, part.places | {name: values for name, values in of_rows.items() if name not in unknown}


def _probabilities(path: Path, table: pd.DataFrame, classes: list[str]) -> np.ndarray | None:
    """(M, K), or None where there is no column of a class."""
    own = [name for name in table if name in classes]
    if strange := [name for name in table if name not in (*OTHERS, *classes)]:
        raise UserError(f"predictions={path}: {listed(strange)} is no class of the data, which has {listed(classes)}")
    if not own:
        return None
    if lacking := [name for name in classes if name not in own]:
        raise UserError(f"predictions={path}: a column is missing for each of the classes {listed(lacking)}")
    values = table[classes].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    sums = values.sum(1)
    for file, row, total in zip(table.index, values, sums, strict=True):
        if not (np.isfinite(total) and (row >= 0).all() and abs(total - 1) <= SUM_TOLERANCE):
            told = f"they sum to {total:.4g}" if np.isfinite(total) else "one is no number"
            raise UserError(f"predictions={path}: the probabilities of {file} are none ({told})")
    normed: np.ndarray = values / sums[:, None]
    return normed


def _predicted(path: Path, table: pd.DataFrame, classes: list[str]) -> np.ndarray:
    """(M,) the class of each file, where only that is told."""
    column = next((name for name in ("predicted", "label") if name in table), None)
    if column is None:
        raise UserError(f"predictions={path}: it has neither the classes' probabilities nor a column label")
    if wrong := sorted(set(table[column]) - set(classes)):
        raise UserError(f"predictions={path}: {listed(wrong)} is no class of the data, which has {listed(classes)}")
    return np.array([classes.index(name) for name in table[column]])


def _figures(probabilities: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """The outcomes by their columns, measured as a run's are: torchmetrics takes the logarithms for logits."""
    import torch

    from overcast.training.metrics import measure_metrics

    logits = torch.from_numpy(np.log(np.maximum(probabilities, LEAST)))
    measured = measure_metrics(logits, torch.from_numpy(target)).values
    return {f"test/{name}": value for name, value in measured.items()}
