"""The arrays of a pack, and the spec that says what they hold."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from overcast.core.spec import Spec
from overcast.data import DataSet


class PackWriter:
    """Writes values.npy, and offsets.npy if samples are ragged, into the folder ``part`` of a pack.

    Pictures go to the disk as they come. What a pack makes of words and of features is known when all of them are:
    ragged samples are kept until then.
    """

    def __init__(self, part: Path, dataset: DataSet, most: int) -> None:
        """most: how many samples may come, for whose pictures room is asked for at once."""
        self.path, self.dataset, self.most = part / "values.npy", dataset, most
        self.number = 0
        self.shape: tuple[int, ...] = ()
        self.kept: list[np.ndarray] = []

    def __enter__(self) -> PackWriter:
        self.file = self.path.open("w+b")
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def add(self, array: np.ndarray) -> None:
        """One more sample."""
        self.number += 1
        if self.dataset.kind != "image":
            self.kept.append(array)
            return
        if not self.shape:
            self.shape, self.dtype = array.shape, array.dtype
            self._reserve(self._write_head(self.most) + self.most * array.nbytes)
        if (array.shape, array.dtype) != (self.shape, self.dtype):
            raise ValueError(f"A picture of {array.shape} {array.dtype} among ones of {self.shape} {self.dtype}.")
        self.file.write(array.tobytes())

    def finish(self, classes: tuple[str, ...]) -> tuple[Spec, np.ndarray]:
        """What the samples are, and their values as they lie on the disk. classes: the names of theirs."""
        if self.dataset.kind == "image":
            spec = Spec("image", self.shape, classes)
            self.file.truncate()
            self._write_head(self.number)
        else:
            spec = _spec_of(self.dataset, self.kept, classes)
            self._write_ragged(spec)
        self.file.flush()
        return spec, np.load(self.path, mmap_mode="r")

    def _write_head(self, rows: int) -> int:
        """Writes, in its place, the head of the file for so many rows; its length is the same for any number."""
        self.file.seek(0)
        head = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": (rows, *self.shape)}
        np.lib.format.write_array_header_1_0(self.file, head)
        return self.file.tell()

    def _reserve(self, size: int) -> None:
        """Ask for room, so that a disk that is too small is told of at once."""
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self.file.fileno(), 0, size)

    def _write_ragged(self, spec: Spec) -> None:
        offsets = np.concatenate([[0], np.cumsum([len(array) for array in self.kept])]).astype(np.int64)
        first = spec.encode(self.kept[0])
        self.shape, self.dtype = first.shape[1:], first.dtype
        self._write_head(int(offsets[-1]))
        for array in self.kept:
            self.file.write(np.asarray(spec.encode(array), self.dtype).tobytes())
        np.save(self.path.with_name("offsets.npy"), offsets)


def _spec_of(dataset: DataSet, arrays: list[np.ndarray], classes: tuple[str, ...]) -> Spec:
    """What these ragged samples are, as they are packed."""
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
