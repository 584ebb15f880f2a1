"""What can label samples, be it a trained run or a network that was exported from one: logits, and what they mean.

It imports no torch: see `overcast.prediction.run_predictor` for a run, `overcast.serving.onnx_model` for the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import numpy as np

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.prediction.reading import Read

if TYPE_CHECKING:
    from overcast.tracking.run_folder import Run

BATCH = 64
"""Samples that are given at once."""

OTHERS = ("file", "label", "error", "answer", "set", "ood")
"""The columns of an answer that are no class's."""

NOT_FINITE = "the network has no finite answer: some of its values are far too large"


@runtime_checkable
class Predictor(Protocol):
    """A network with all that is needed to use it.

    spec: of the samples and classes. data: the data set's option, which says how files are read. files: what it was
    read from, which no answer may overwrite. runs: those that it was restored from, none for an exported network.
    features: (B, F) what the last layer has read of the last batch, where that is watched.
    """

    files: Sequence[Path]
    runs: Sequence[Run] = ()
    features: np.ndarray | None = None

    @property
    def spec(self) -> Spec: ...

    @property
    def data(self) -> Option: ...

    def logits(self, x: np.ndarray, length: np.ndarray) -> np.ndarray:
        """(B, K) of raw values, padded with zeros to the longest, and the true lengths (B,); over the temperature."""
        ...


class Answer(NamedTuple):
    """The class probabilities (K,) of a sample, and its features (F,) where the network's are watched."""

    probabilities: np.ndarray
    features: np.ndarray | None


def probabilities(predictor: Predictor, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """(N, K) float64 of samples as `overcast.prediction.reading` gives them, all in one batch."""
    return softmax(predictor.logits(*padded(arrays, predictor.spec)))


def answers(predictor: Predictor, read: Sequence[Read]) -> Iterator[Answer | str]:
    """The answer to each sample, or why there is none."""
    arrays = [array for array in read if not isinstance(array, str)]
    found = iter(probabilities(predictor, arrays) if arrays else [])  # then the features are there too
    features = iter([None] * len(arrays) if predictor.features is None else predictor.features)
    for array in read:
        if isinstance(array, str):
            yield array
            continue
        answer = Answer(next(found), next(features))
        yield answer if np.isfinite(answer.probabilities).all() else NOT_FINITE


def padded(arrays: Sequence[np.ndarray], spec: Spec) -> tuple[np.ndarray, np.ndarray]:
    """Samples as one batch, padded with zeros to the longest, and their lengths (N,); of pictures their height."""
    length = np.array([array.shape[1 if spec.kind == "image" else 0] for array in arrays])
    longest = max(len(array) for array in arrays)
    batch = np.stack([np.pad(a, [(0, longest - len(a)), *[(0, 0)] * (a.ndim - 1)]) for a in arrays])
    return batch, length


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (B, K) of logits, in double precision; NaN where these are not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        exponentials = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
        shares: np.ndarray = exponentials / exponentials.sum(1, keepdims=True)
    return shares


def probability_columns(classes: Sequence[str]) -> list[str]:
    """The classes' columns; one that is called as another column of the answer is "class …" there."""
    return [f"class {name}" if name in OTHERS else name for name in classes]
