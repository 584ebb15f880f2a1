"""What a network must beat: always the most frequent class, and a linear model of the raw values."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from overcast.prepare.pack import Pack
from overcast.seeding import key

SIDE = 16
"""Pictures are averaged down to this side first: a linear model learns little from more, and slowly."""

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
"""Inverse regularisation strengths, the best of which is chosen on the validation part."""

MOST = 10_000
"""Rows of the train part that the linear model is fitted on: more tell it little, and take minutes."""


def baselines(pack: Pack, parts: np.ndarray) -> dict[str, float]:
    """Test accuracy of the majority class, and of logistic regression on the pixels.

    Both are fitted on the train part, the regression on at most 10,000 rows of it drawn at random. Remembered
    for the same pack and parts, since a study asks often.
    """
    return dict(_baselines(_Asked(pack, parts)))


class _Asked:
    """A pack and parts as a key of the cache."""

    def __init__(self, pack: Pack, parts: np.ndarray) -> None:
        self.pack, self.parts = pack, parts
        self.key = (pack.info["fingerprint"], parts.tobytes())

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.key == other.key


@lru_cache(maxsize=32)
def _baselines(asked: _Asked) -> tuple[tuple[str, float], ...]:
    pack, parts = asked.pack, asked.parts
    rows = {part: np.flatnonzero(parts == part) for part in ("train", "validation", "test")}
    labels = {part: pack.labels[r] for part, r in rows.items()}
    majority = np.bincount(labels["train"]).argmax()
    if len(rows["train"]) > MOST:
        draws = np.random.default_rng(key(0, "baseline"))
        rows["train"] = np.sort(draws.choice(rows["train"], MOST, replace=False))
        labels["train"] = pack.labels[rows["train"]]
    return (
        ("majority_accuracy", float((labels["test"] == majority).mean())),
        ("linear_accuracy", _linear({p: features(pack, r) for p, r in rows.items()}, labels)),
    )


def features(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """Raw values as vectors (N, D): pictures averaged to at most 16×16, sequences as mean and spread over time."""
    x, length = pack.gather(rows)
    x = x.astype(np.float32)
    if pack.spec.kind == "image":
        return _shrink(x).reshape(len(x), -1)
    inside = (np.arange(x.shape[1]) < length[:, None])[..., None]
    mean = (x * inside).sum(1) / length[:, None]
    spread = np.sqrt((((x - mean[:, None]) * inside) ** 2).sum(1) / length[:, None])
    return np.concatenate([mean, spread], 1)


def _shrink(x: np.ndarray) -> np.ndarray:
    """Block means of pictures (N, C, H, W), cut at the edge to a multiple of the block."""
    block = max(1, -(-min(x.shape[2:]) // SIDE))
    high, wide = (side // block for side in x.shape[2:])
    x = x[:, :, : high * block, : wide * block]
    mean: np.ndarray = x.reshape(*x.shape[:2], high, block, wide, block).mean((3, 5))
    return mean


def _linear(x: dict[str, np.ndarray], y: dict[str, np.ndarray]) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    models = [
        make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000, tol=1e-3))
        for strength in STRENGTHS
    ]
    best = max(models, key=lambda model: model.fit(x["train"], y["train"]).score(x["validation"], y["validation"]))
    return float(best.score(x["test"], y["test"]))
