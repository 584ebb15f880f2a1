"""What a network must beat: always the most frequent class, a linear model of the raw values, and "as before"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from overcast.core.seeding import stratified_sample
from overcast.core.spec import sequence_mask
from overcast.prepare.derived import derive, derived_path, digest
from overcast.prepare.pack import Pack

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from sklearn.pipeline import Pipeline

SIDE = 16
"""Pictures are averaged down to this side first: a linear model learns little from more, and slowly."""

C_VALUES = (1e-3, 1e-2, 1e-1, 1.0)
"""Inverse regularisation strengths, ``C`` of scikit-learn; the best is chosen on the validation part."""

WORD_C_VALUES = (0.3, 1.0, 3.0, 10.0)
"""The same for words, whose TF-IDF vectors of unit length hold small numbers."""

MAX_FIT_ROWS = 10_000
"""Rows of the train part that the linear model is fitted on, and of the validation part that the best is chosen on:
more tell it little, and take minutes."""

BLOCK = 4096
"""Samples looked at together: bounds the memory."""


def cached_baselines(pack: Pack, parts: np.ndarray, folder: Path) -> dict[str, float]:
    """`baselines`, found once for the same pack and parts, since a study asks often. folder: the data set's.

    Raises: UserError if they cannot be kept there.
    """
    settings = repr((SIDE, C_VALUES, WORD_C_VALUES, MAX_FIT_ROWS))
    path = derived_path(folder, "baselines", digest(parts, settings), pack, ".json")
    accuracies: dict[str, float] = json.loads(derive(path, lambda: json.dumps(baselines(pack, parts)).encode()))
    return accuracies


def baselines(pack: Pack, parts: np.ndarray) -> dict[str, float]:
    """Test accuracy of the majority class, and of logistic regression on pixels, mean and std over time, or words.

    Both are fitted on the train part, the regression on at most 10,000 rows of it drawn from every class, and chosen on
    as many of the validation part. By time there is persistence too: the latest label known before each sample.
    """
    rows = {part: np.flatnonzero(parts == part) for part in ("train", "validation", "test")}
    labels = {part: pack.labels[r] for part, r in rows.items()}
    majority = np.bincount(labels["train"]).argmax()
    for part in ("train", "validation"):
        rows[part] = stratified_sample(rows[part], pack.labels, MAX_FIT_ROWS, 0, "baseline")
        labels[part] = pack.labels[rows[part]]
    majority_accuracy = float((labels["test"] == majority).mean())
    if (labels["train"] == majority).all():  # as a few rows may be: a linear model could say nothing else
        linear_accuracy = majority_accuracy
    elif pack.spec.kind == "tokens":
        linear_accuracy = word_accuracy({part: counts(pack, r) for part, r in rows.items()}, labels)
    else:
        linear_accuracy = feature_accuracy({part: features(pack, r) for part, r in rows.items()}, labels)
    accuracies = {"majority_accuracy": majority_accuracy, "linear_accuracy": linear_accuracy}
    if time := pack.info.get("time"):
        accuracies["persistence_accuracy"] = persistence(pack.labels, rows["test"], time["known"])
    return accuracies


def persistence(labels: np.ndarray, rows: np.ndarray, known: int = 1) -> float:
    """How often the label of a row is that of the row ``known`` before it in time: as it was, so it will be."""
    return float((labels[rows] == labels[rows - known]).mean())


def counts(pack: Pack, rows: np.ndarray) -> csr_array:
    """How often each token id occurs in each text: (N, ids)."""
    from scipy.sparse import csr_array

    x, length = pack.gather(rows)
    ends = np.concatenate([[0], np.cumsum(length)])
    ids = x[sequence_mask(length, x.shape[1])]  # text after text, without padding
    word_counts = csr_array((np.ones(len(ids)), ids, ends), shape=(len(rows), pack.spec.ids))
    word_counts.sum_duplicates()
    return word_counts


def features(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """Raw values as vectors (N, D): pictures averaged to at most 16×16, sequences as mean and std over time."""
    return np.concatenate([_features(pack, block) for block in np.split(rows, range(BLOCK, len(rows), BLOCK))])


def _features(pack: Pack, rows: np.ndarray) -> np.ndarray:
    x, length = pack.gather(rows)
    x = x.astype(np.float32)
    if pack.spec.kind == "image":
        return _block_means(x).reshape(len(x), -1)
    mask = sequence_mask(length, x.shape[1])[..., None]
    mean = (x * mask).sum(1) / length[:, None]
    std = np.sqrt((((x - mean[:, None]) * mask) ** 2).sum(1) / length[:, None])
    return np.concatenate([mean, std], 1)


def _block_means(x: np.ndarray) -> np.ndarray:
    """Pictures (N, C, H, W) averaged over square blocks, cut at the edge to a multiple of the block."""
    block = max(1, -(-min(x.shape[2:]) // SIDE))
    high, wide = (side // block for side in x.shape[2:])
    x = x[:, :, : high * block, : wide * block]
    mean: np.ndarray = x.reshape(*x.shape[:2], high, block, wide, block).mean((3, 5))
    return mean


def feature_accuracy(x: dict[str, np.ndarray], y: dict[str, np.ndarray]) -> float:
    """Test accuracy of logistic regression on `features`, by part."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _accuracy_of_best(
        [make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000, tol=1e-3)) for c in C_VALUES], x, y
    )


def word_accuracy(x: dict[str, csr_array], y: dict[str, np.ndarray]) -> float:
    """Test accuracy of TF-IDF (Spärck Jones 1972) and logistic regression on the `counts` of the train part's words."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    known = np.flatnonzero(x["train"].sum(0))
    models = [
        make_pipeline(TfidfTransformer(sublinear_tf=True), LogisticRegression(C=c, max_iter=2000, tol=1e-3))
        for c in WORD_C_VALUES
    ]
    return _accuracy_of_best(models, {part: word_counts[:, known] for part, word_counts in x.items()}, y)


def _accuracy_of_best(models: list[Pipeline], x: Mapping[str, Any], y: dict[str, np.ndarray]) -> float:
    """Test accuracy of the model that is best on the validation part, all fitted on the train part."""
    best = max(models, key=lambda model: _accuracy(model.fit(x["train"], y["train"]), x["validation"], y["validation"]))
    return _accuracy(best, x["test"], y["test"])


def _accuracy(model: Pipeline, x: Any, y: np.ndarray) -> float:
    """Of all samples, in blocks: a model makes copies of what it sees."""
    starts = range(0, len(y), BLOCK)
    correct = [(model.predict(x[start : start + BLOCK]) == y[start : start + BLOCK]).sum() for start in starts]
    return float(sum(correct) / len(y))
