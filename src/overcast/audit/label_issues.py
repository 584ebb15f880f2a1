"""Labels that may be wrong: those that a simple model, which has not seen the sample, believes least.

The idea is that of confident learning (Northcutt, Jiang & Chuang 2021): out-of-sample probabilities show where a
label does not fit the others. An issue is a hint to look, never a proof.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from overcast.core.errors import UserError
from overcast.core.seeding import stratified_sample
from overcast.evaluation.baselines import counts, features
from overcast.prepare.folds import assign_folds, merge_groups
from overcast.prepare.pack import Pack

FOLDS = 5
MOST = 6000  # rows, drawn from every class where there are more: seconds to a minute
BLOCK = 1024


@dataclass(frozen=True)
class OutOfSample:
    """Rows of the pack (N,), and the probability (N, K) of each class by a model that was fitted without them."""

    rows: np.ndarray
    probabilities: np.ndarray

    def order(self, labels: np.ndarray) -> np.ndarray:
        """Places in ``rows`` where another class is likelier than the label (N,), the least likely label first."""
        given = self.probabilities[np.arange(len(labels)), labels]
        other = np.flatnonzero(self.probabilities.argmax(1) != labels)
        doubted: np.ndarray = other[np.argsort(given[other], kind="stable")]
        return doubted


def out_of_sample_probabilities(pack: Pack, seed: int = 0) -> OutOfSample:
    """Logistic regression on plain features, cross-validated so that no duplicate or source is on both sides.

    Raises: UserError if a class has too few independent samples.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, StandardScaler

    groups = merge_groups(pack.index["group"], pack.index["duplicate"])
    rows = sample_rows(pack.labels, groups, seed)
    groups, labels = groups[rows], pack.labels[rows]
    fewest = min(len(np.unique(groups[labels == label])) for label in range(len(pack.spec.classes)))
    if fewest < 2:
        raise UserError("a class has fewer than two samples that are no copies of each other")
    fold = assign_folds(labels, groups, min(FOLDS, fewest), seed)
    text = pack.spec.kind == "tokens"
    x = counts(pack, rows).sign() if text else features_in_blocks(pack, rows)  # of words: which there are
    probabilities = np.zeros((len(rows), len(pack.spec.classes)))
    for number in tqdm(np.unique(fold), "label issues", unit="fold", leave=False, disable=not sys.stderr.isatty()):
        scaler = MaxAbsScaler() if text else StandardScaler()
        model = make_pipeline(scaler, LogisticRegression(C=1.0 if text else 0.01, max_iter=1000, tol=1e-3))
        model.fit(x[fold != number], labels[fold != number])
        fitted = model[-1].classes_  # a class may be in one fold only
        probabilities[np.ix_(fold == number, fitted)] = model.predict_proba(x[fold == number])
    return OutOfSample(rows, probabilities)


def sample_rows(labels: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """`MOST` rows, each class about as often as among all, and more of a class that would come in too few groups.

    labels, groups: (N,). Without the latter, a class of a few among very many samples could not be cross-validated.
    """
    rows = stratified_sample(np.arange(len(labels)), labels, MOST, seed, "label issues")
    _, first = np.unique(np.stack([labels, groups]), axis=1, return_index=True)  # a row of each group in each class
    rare = [label for label in np.unique(labels) if len(np.unique(groups[rows[labels[rows] == label]])) < FOLDS]
    more = [stratified_sample(first[labels[first] == label], labels, FOLDS, seed, "rare class") for label in rare]
    return np.unique(np.concatenate([rows, *more]))


def features_in_blocks(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """`features` of many rows, in blocks of bounded memory."""
    return np.concatenate([features(pack, block) for block in np.array_split(rows, -(-len(rows) // BLOCK))])
