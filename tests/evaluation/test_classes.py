"""Of many classes, which are told; of all of them, what is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overcast.evaluation.classes import (
    confusion_counts,
    most_confused,
    most_frequent,
    write_classes,
    write_confusion,
)

TARGET, PREDICTED = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 1, 1, 0, 2])
NAMES = ("a", "b, c", "d", "e")


def test_confusions_are_counted() -> None:
    counts = confusion_counts(TARGET, PREDICTED, 4)
    assert counts.tolist() == [[1, 2, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert confusion_counts(TARGET[:0], PREDICTED[:0], 2).tolist() == [[0, 0], [0, 0]]


def test_the_most_confused_classes_come_first_then_the_largest() -> None:
    counts = np.diag([9, 1, 1, 5, 1])
    counts[4, 1] = 2
    assert most_confused(counts, 5).tolist() == [0, 1, 2, 3, 4]
    assert most_confused(counts, 2).tolist() == [1, 4]
    assert most_confused(counts, 3).tolist() == [0, 1, 4]
    counts[2, 4] = 3
    assert most_confused(counts, 2).tolist() == [2, 4]
    assert most_confused(np.diag([1, 3, 2]), 2).tolist() == [1, 2]


def test_the_most_frequent_classes_are_those_of_the_whole_data() -> None:
    labels = np.array([0, 1, 1, 3, 3, 3])
    assert most_frequent(labels, 5) == {0, 1, 2, 3, 4}
    assert most_frequent(labels, 5, 2) == {1, 3}
    assert most_frequent(labels, 5, 4) == {0, 1, 2, 3}  # of equal ones the first


def test_all_is_written(tmp_path: Path) -> None:
    counts = confusion_counts(TARGET, PREDICTED, 4)
    write_confusion(tmp_path / "confusion.csv", NAMES, counts)
    assert (tmp_path / "confusion.csv").read_text() == (
        'label,predicted,samples\na,"b, c",2\nd,a,1\na,a,1\n"b, c","b, c",1\nd,d,1\n'
    )
    figures = {"precision": np.array([0.5, 1 / 3, 1, 0]), "recall": np.array([1 / 3, 1, 0.5, 0])}
    write_classes(tmp_path / "classes.csv", NAMES, counts.sum(1), figures)
    assert (tmp_path / "classes.csv").read_text().splitlines() == [
        "class,samples,precision,recall", "a,3,0.5,0.333333", '"b, c",1,0.333333,1', "d,2,1,0.5", "e,0,,",
    ]  # fmt: skip


@pytest.mark.parametrize("classes", [31, 500])
def test_never_more_than_can_be_read(classes: int) -> None:
    draws = np.random.default_rng(classes)
    counts = confusion_counts(draws.integers(0, classes, 5000), draws.integers(0, classes, 5000), classes)
    assert len(most_confused(counts)) == len(most_frequent(np.arange(classes), classes)) == 30
