"""The baselines: by hand, fitted on the train part alone, and good where the classes are easy to tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from overcast.core.spec import Spec
from overcast.evaluation import baselines as module
from overcast.evaluation.baselines import baselines, cached_baselines, counts, features, persistence
from overcast.prepare.pack import Pack, open_pack
from overcast.prepare.split import read_parts


def test_digits(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "C_VALUES", (1e-2,))
    accuracies = baselines(open_pack(digits, "digits"), read_parts(digits, "digits", 0, 0, 10))
    assert accuracies["linear_accuracy"] > 0.9
    assert accuracies["majority_accuracy"] == pytest.approx(0.1, abs=0.03)


def test_blocks_change_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack, parts = open_pack(data, "skies"), read_parts(data, "skies", 0, 0, 10)
    whole, vectors = baselines(pack, parts), features(pack, np.arange(50))
    monkeypatch.setattr(module, "BLOCK", 7)
    assert baselines(pack, parts) == whole
    assert (features(pack, np.arange(50)) == vectors).all()


def test_sequences(data: Path) -> None:
    accuracies = baselines(open_pack(data, "waves"), read_parts(data, "waves", 0, 0, 10))
    assert accuracies["linear_accuracy"] > 0.8


def test_the_majority_is_that_of_the_train_part(data: Path) -> None:
    pack = open_pack(data, "skies")
    parts = np.full(100, "test", "<U10")
    parts[np.flatnonzero(pack.labels == 2)[:9]] = "train"
    parts[np.flatnonzero(pack.labels == 4)[:6]] = "train"
    parts[np.flatnonzero(pack.labels == 1)[:6]] = "validation"
    rest = pack.labels[parts == "test"]
    assert baselines(pack, parts)["majority_accuracy"] == pytest.approx((rest == 2).mean())


@pytest.mark.parametrize("source", ["skies", "verses"])
def test_a_train_part_of_one_class_leaves_nothing_to_fit(data: Path, source: str) -> None:
    pack = open_pack(data, source)
    parts = np.where(np.arange(len(pack.labels)) % 2, "validation", "test")
    parts[np.flatnonzero(pack.labels == 1)[:2]] = "train"
    accuracies = baselines(pack, parts)
    assert (
        accuracies["linear_accuracy"] == accuracies["majority_accuracy"] == (pack.labels[parts == "test"] == 1).mean()
    )


def test_a_large_train_part_is_sampled(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack, parts = open_pack(data, "skies"), read_parts(data, "skies", 0, 1, 10)
    fitted = []
    monkeypatch.setattr(module, "MAX_FIT_ROWS", 30)
    monkeypatch.setattr(module, "feature_accuracy", lambda x, y: fitted.append((x, y)) or 0.5)
    baselines(pack, parts)
    x, y = fitted[0]
    assert [len(x[part]) for part in ("train", "validation", "test")] == [30, 10, 10]
    assert len(np.unique(x["train"], axis=0)) == len(y["train"]) == 30
    assert np.bincount(y["train"]).tolist() == [6] * 5


def test_answers_are_kept_for_the_same_data_only(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack, parts = open_pack(data, "skies"), read_parts(data, "skies", 0, 0, 10)
    other_parts = read_parts(data, "skies", 0, 1, 10)
    found = []
    monkeypatch.setattr(module, "baselines", lambda *asked: found.append(asked) or {"linear_accuracy": len(found)})
    for asked in (parts, parts, other_parts, parts):
        cached_baselines(pack, asked, tmp_path)
    assert len(found) == 2
    assert cached_baselines(pack, parts, tmp_path) == {"linear_accuracy": 1}
    other = replace(pack, info=pack.info | {"fingerprint": "f" * 64})
    assert cached_baselines(other, parts, tmp_path) == {"linear_accuracy": 3}
    assert [path.name.rpartition("-")[2] for path in (tmp_path / "baselines").iterdir()] == [f"{'f' * 16}.json"]
    monkeypatch.setattr(module, "SIDE", 8)  # found by another rule
    assert cached_baselines(other, parts, tmp_path) == {"linear_accuracy": 4}


def test_features_of_pictures_are_block_means(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = open_pack(data, "skies")
    monkeypatch.setattr(module, "SIDE", 4)
    vectors = features(pack, np.array([3]))
    assert vectors.shape == (1, 3 * 4 * 4)
    assert vectors[0, 0] == pytest.approx(pack.values[3, 0, :4, :4].mean())


def test_features_of_sequences_leave_padding_out(data: Path) -> None:
    pack = open_pack(data, "waves")
    x, length = pack.gather(np.array([0, 8]))
    vectors = features(pack, np.array([0, 8]))
    steps = x[0, : length[0]]
    assert vectors[0] == pytest.approx(np.concatenate([steps.mean(0), steps.std(0)]), rel=1e-4)


def texts(samples: list[list[int]], labels: list[int], words: int = 8) -> Pack:
    """A pack in memory of these token ids."""
    spec = Spec("tokens", (max(map(len, samples)),), ("a", "b"), tuple(f"w{i}" for i in range(words)))
    offsets = np.concatenate([[0], np.cumsum([len(s) for s in samples])])
    values = np.concatenate(samples).astype(np.int32)
    return Pack(spec, {}, np.array(labels), values, offsets, {"fingerprint": f"texts {samples}"})


def test_counts_of_words() -> None:
    word_counts = counts(texts([[2, 3, 2], [4], [5, 5, 5, 2]], [0, 1, 0]), np.array([2, 0]))
    assert word_counts.toarray().tolist() == [[0, 0, 1, 0, 0, 3, 0, 0, 0, 0], [0, 0, 2, 1, 0, 0, 0, 0, 0, 0]]


def test_words_that_tell_the_class_are_found_and_unseen_ones_change_nothing() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 90).tolist()
    samples = [[*rng.integers(4, 8, 5).tolist(), 2 + y] for y in labels]
    parts = np.repeat(["train", "validation", "test"], 30)
    assert baselines(texts(samples, labels), parts)["linear_accuracy"] == 1
    noisy = [[*s, 8, 9] if part == "test" else s for s, part in zip(samples, parts, strict=True)]
    known = counts(texts(noisy, labels), np.flatnonzero(parts == "train")).sum(0)
    assert known[8:].tolist() == [0, 0]
    assert baselines(texts(noisy, labels), parts)["linear_accuracy"] == 1


def test_persistence_is_the_label_known_before() -> None:
    labels = np.array([0, 0, 1, 1, 1, 0])
    assert persistence(labels, np.array([3, 4, 5])) == pytest.approx(2 / 3)
    assert persistence(labels, np.array([3, 4, 5]), known=2) == pytest.approx(1 / 3)


def test_persistence_is_for_what_is_cut_by_time(data: Path) -> None:
    pack, parts = open_pack(data, "waves"), read_parts(data, "waves", 0, 0, 10)
    assert "persistence_accuracy" not in baselines(pack, parts)
    timed = replace(pack, info=pack.info | {"fingerprint": "timed", "time": {"gap": 1, "known": 3}})
    assert baselines(timed, parts)["persistence_accuracy"] == 1  # the classes of the waves take turns
