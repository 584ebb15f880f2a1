"""The arrays of a pack, and the spec that says what they hold."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from overcast.core.spec import Spec
from overcast.data import DataSet


def write_values(part: Path, spec: Spec, arrays: list[np.ndarray]) -> np.ndarray:
    """values.npy, and offsets.npy if ragged, filled one by one so that nothing is twice in memory."""
    image = spec.kind == "image"
    lengths = np.array([len(array) for array in arrays], np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    shape = (len(arrays), *arrays[0].shape) if image else (int(offsets[-1]), *arrays[0].shape[1:])
    dtype = spec.encode(arrays[0]).dtype
    values = np.lib.format.open_memmap(part / "values.npy", mode="w+", dtype=dtype, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a mapped file that finds the disk full while it is filled ends the process
        with (part / "values.npy").open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, values.offset + values.nbytes)
    for row, array in enumerate(arrays):
        values[row if image else slice(offsets[row], offsets[row + 1])] = spec.encode(array)
    values.flush()
    if not image:
        np.save(part / "offsets.npy", offsets)
    return values


def spec_of(dataset: DataSet, arrays: list[np.ndarray], classes: tuple[str, ...]) -> Spec:
    """What these samples are, as they are packed. classes: the names of theirs."""
    if dataset.kind == "image":
        return Spec("image", arrays[0].shape, classes)
    max_length = max(map(len, arrays))
    count = Counter(word for array in arrays for word in array.tolist()) if dataset.kind == "tokens" else Counter()
    often = [word for word in count if count[word] > 1]  # one that occurs once can't be known from the train part
    vocabulary = dataset.vocabulary or tuple(sorted(often, key=lambda word: (-count[word], word)))
    offset, scale = _scaling(arrays) if arrays[0].dtype == np.float64 else ((), ())
    return Spec(dataset.kind, (max_length, *arrays[0].shape[1:]), classes, vocabulary, offset, scale, dataset.front_end)


def _scaling(arrays: list[np.ndarray]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and largest distance from it of each feature of arrays (T, F), which may be as large as float64 holds."""
    largest = np.max([np.abs(array).max(0) for array in arrays], axis=0)  # (F,)
    unit = np.where(largest > 0, largest, 1.0)  # sums of what is divided by it overflow nowhere
    total = np.sum([(array / unit).sum(0) for array in arrays], axis=0)
    mean = np.clip(total / sum(map(len, arrays)), -1, 1) * unit
    distance = np.max([np.abs(array - mean).max(0) for array in arrays], axis=0)
    constant = np.all([(array == arrays[0][0]).all(0) for array in arrays], axis=0)  # whose mean may be rounded
    mean = np.where(constant, arrays[0][0], mean)
    return tuple(mean.tolist()), tuple(np.where(constant, 1.0, distance).tolist())
