"""What can label samples, be it a trained run or a network that was exported from one: logits, and what they mean.

It imports no torch: see `overcast.prediction.run_predictor` for a run, `overcast.serving.onnx_model` for the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.prediction.reading import Read

BATCH = 64
"""Samples that are given at once."""

NOT_FINITE = "the network has no finite answer: some of its values are far too large"


@runtime_checkable
class Predictor(Protocol):
    """A network with all that is needed to use it.

    spec: of the samples and classes. data: the data set's option, which says how files are read. temperature: what
    logits are divided by, so that probabilities are as sure as they are right (Guo et al. 2017); 1 where none was
    learned. files: what it was read from, which no answer may overwrite.
    """

    files: Sequence[Path]

    @property
    def spec(self) -> Spec: ...

    @property
    def data(self) -> Option: ...

    @property
    def temperature(self) -> float: ...

    def logits(self, x: np.ndarray, length: np.ndarray) -> np.ndarray:
        """(B, K) of raw values, padded with zeros to the longest, and the true lengths (B,)."""
        ...


def probabilities(predictor: Predictor, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """(N, K) float64 of samples as `overcast.prediction.reading` gives them, all in one batch."""
    return softmax(predictor.logits(*padded(arrays, predictor.spec)) / predictor.temperature)


def answers(predictor: Predictor, read: Sequence[Read]) -> Iterator[Read]:
    """The class probabilities (K,) of each sample, or why there are none."""
    arrays = [array for array in read if not isinstance(array, str)]
    found = iter(probabilities(predictor, arrays) if arrays else [])
    for array in read:
        answer = array if isinstance(array, str) else next(found)
        finite = isinstance(answer, str) or np.isfinite(answer).all()
        yield answer if finite else NOT_FINITE


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
    return [f"class {name}" if name in ("file", "label", "error") else name for name in classes]
