"""What is told class by class: all of it in csv files, and of many classes only some in pictures and in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from overcast.core.csv_rows import write_rows

MOST_CLASSES = 30
"""Classes that a picture shows readably, and whose figures MLflow and ``metrics.json`` take."""


def confusion_counts(target: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """How many samples of each class (row) were taken for each (column): (K, K)."""
    counts: np.ndarray = np.bincount(target * classes + predicted, minlength=classes**2).reshape(classes, classes)
    return counts


def most_confused(counts: np.ndarray, most: int = MOST_CLASSES) -> np.ndarray:
    """The classes, ascending, of the most frequent confusions (K, K); where too few are confused, the largest too."""
    if len(counts) <= most:
        return np.arange(len(counts))
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    pairs = np.argsort(-mistakes, axis=None, kind="stable")[: np.count_nonzero(mistakes)]
    confused = np.stack(np.divmod(pairs, len(counts)), 1).ravel()
    order = np.concatenate([confused, np.argsort(-counts.sum(1), kind="stable")])
    _, first = np.unique(order, return_index=True)
    return np.sort(order[np.sort(first)[:most]])


def most_frequent(labels: np.ndarray, classes: int, most: int = MOST_CLASSES) -> set[int]:
    """The classes with most samples: the same ones for every run on the same data."""
    return set(np.argsort(-np.bincount(labels, minlength=classes), kind="stable")[:most].tolist())


def write_confusion(path: Path, classes: tuple[str, ...], counts: np.ndarray) -> None:
    """``label,predicted,samples`` of each pair that occurs: mistakes, the most frequent first, then hits."""
    pairs = np.argwhere(counts)  # (M, 2)
    hits = pairs[:, 0] == pairs[:, 1]
    order = np.lexsort((-counts[tuple(pairs.T)], hits))
    rows = [(classes[true], classes[predicted], counts[true, predicted]) for true, predicted in pairs[order]]
    _write(path, [("label", "predicted", "samples"), *rows])


def write_classes(path: Path, classes: tuple[str, ...], samples: np.ndarray, figures: Mapping[str, np.ndarray]) -> None:
    """``class,samples,precision,recall`` of every class; blank figures where the test part has none of it."""
    rows = [
        (name, number, *(f"{values[i]:.6g}" if number else "" for values in figures.values()))
        for i, (name, number) in enumerate(zip(classes, samples, strict=True))
    ]
    _write(path, [("class", "samples", *figures), *rows])


def _write(path: Path, rows: list[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf8", errors="surrogateescape", newline="") as file:
        write_rows(file, rows)
