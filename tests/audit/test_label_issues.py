"""Wrong labels are among the first issues, and no copy of a sample vouches for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.audit import label_issues
from overcast.audit.label_issues import OutOfSample, out_of_sample_probabilities, sample_rows
from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.evaluation.baselines import counts
from overcast.prepare.pack import Pack, open_pack


def made(x: np.ndarray, labels: np.ndarray, **index: Any) -> Pack:
    """A pack of sequences of one step (N, F)."""
    number = np.arange(len(x))
    columns = {"group": np.full(len(x), "", object), "duplicate": number.astype(str).astype(object), **index}
    spec = Spec("sequence", (1, x.shape[1]), ("a", "b"))
    return Pack(spec, columns, labels, x.astype(np.float32), np.arange(len(x) + 1), {})


def test_planted_errors_come_first() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    x = rng.normal(labels[:, None] * 4.0, 1.0, (200, 3))
    wrong = np.array([10, 31, 98])
    given = labels.copy()
    given[wrong] = 1 - given[wrong]
    out_of_sample = out_of_sample_probabilities(made(x, given))
    assert out_of_sample.rows.tolist() == list(range(200))
    assert out_of_sample.probabilities.sum(1) == pytest.approx(1)
    assert set(out_of_sample.order(given)[:3]) == set(wrong)


def test_no_copy_vouches_for_a_sample() -> None:
    """Each sample comes twice, labelled at random: with its copy in another fold it would be known by heart."""
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(60, 200)).repeat(2, 0), rng.integers(0, 2, 60).repeat(2)
    alone = out_of_sample_probabilities(made(x, labels))
    tied = out_of_sample_probabilities(made(x, labels, duplicate=np.arange(60).repeat(2).astype(str).astype(object)))
    assert (alone.probabilities.argmax(1) == labels).mean() > 0.8
    assert (tied.probabilities.argmax(1) == labels).mean() < 0.7


def test_the_order_is_by_the_label_given_and_leaves_out_what_is_believed() -> None:
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]])
    assert OutOfSample(np.arange(4), p).order(np.array([0, 0, 0, 1])).tolist() == [1, 2]


def test_words(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = np.array([[2, 3, 3], [4, 3, 5]] * 20, np.int32)
    ids[0] = ids[1]  # says b, is labelled a
    labels = np.arange(40) % 2
    pack = made(np.zeros((40, 1)), labels)
    spec = Spec("tokens", (3,), ("a", "b"), vocabulary=("good", "film", "bad", "awful"))
    words = replace(pack, spec=spec, values=ids.ravel(), offsets=np.arange(0, 121, 3))
    assert counts(words, np.array([2, 1])).sign().toarray().tolist() == [[0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1]]
    assert out_of_sample_probabilities(words).order(labels)[0] == 0


def test_every_class_is_looked_at_however_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_issues, "MOST", 100)
    labels = np.repeat([0, 1, 2], [9000, 990, 10])  # as a pack is: class by class
    rows = sample_rows(labels, np.arange(10_000), seed=0)
    assert np.bincount(labels[rows]).tolist() == pytest.approx([90, 10, 5], abs=1)
    copies = np.arange(10_000)
    copies[-10:-1] = copies[-10]  # the rare class is two samples, one of them nine times
    rows = sample_rows(labels, copies, seed=0)
    assert len(np.unique(copies[rows[labels[rows] == 2]])) == 2


def test_many_rows_are_drawn_from_and_too_few_are_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_issues, "MOST", 50)
    pack = open_pack(data, "skies")
    out_of_sample = out_of_sample_probabilities(pack)
    assert len(out_of_sample.rows) == 50
    assert (np.diff(out_of_sample.rows) > 0).all()
    with pytest.raises(UserError, match="fewer than two"):
        out_of_sample_probabilities(made(np.zeros((3, 1)), np.array([0, 0, 1])))
