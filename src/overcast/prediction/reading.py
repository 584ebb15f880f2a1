"""Files, their contents or arrays as what a network is given, or one reason why not: the same for whoever predicts.

It imports no torch: what serves an exported network reads by it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock

import numpy as np

from overcast.core.console import warn
from overcast.core.errors import UserError
from overcast.core.spec import SEQUENCES, Spec
from overcast.data import DataSet
from overcast.readers.remarks import collected_remarks

_alone = Lock()
"""Readers collect warnings and silence what C libraries print, for the whole process: a server's threads take turns."""

Read = np.ndarray | str
"""A sample as a pack would hold it, or why there is none."""


def read_file(dataset: DataSet, spec: Spec, path: Path) -> Iterator[tuple[str, Read]]:
    """Each sample in a file: its name, with the line in it where it is a table of samples, and what is read."""
    try:
        with collected_remarks() as remarks:
            samples = dataset.read_all(path)
    except (UserError, OSError) as error:
        samples, remarks = [("", error)], []
    for text in remarks:
        warn(f"{path}: {text}")
    for place, sample in samples:
        yield f"{path}{place}", _encoded(sample, spec)


def read_content(dataset: DataSet, spec: Spec, content: bytes) -> Read:
    """The one sample that a file of this content holds, whatever the file's name."""
    with NamedTemporaryFile(prefix="overcast-") as file:  # the data set's own reader takes a file, and no other is used
        file.write(content)
        file.flush()
        try:
            with _alone, collected_remarks():
                return _encoded(dataset.read(Path(file.name)), spec)
        except (UserError, OSError) as error:
            return _one_line(error).replace(Path(file.name).name, "it")


def read_array(array: np.ndarray, spec: Spec) -> Read:
    """An array that a pack of such data could hold."""
    try:
        return _checked_array(array, spec)
    except UserError as error:
        return str(error)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _encoded(sample: np.ndarray | Exception, spec: Spec) -> Read:
    if isinstance(sample, Exception):
        return _one_line(sample)
    if spec.kind in SEQUENCES and sample.shape[1:] != spec.shape[1:]:
        return f"{sample.shape[1]} features a step, but the run was trained with {spec.shape[1]}"
    return spec.encode(sample)


def _checked_array(array: np.ndarray, spec: Spec) -> np.ndarray:
    """As a pack would hold it. Raises: UserError if it is no such sample."""
    whole, letters = array.dtype.kind in "iu", array.dtype.kind in "US"
    lengths = () if spec.kind == "image" else array.shape[:1]  # these may differ from one to the next
    if array.ndim != len(spec.shape) or (*lengths, *spec.shape[len(lengths) :]) != array.shape:
        needed = ", ".join(["any", *map(str, spec.shape[1:])] if spec.kind != "image" else map(str, spec.shape))
        raise UserError(f"shape {array.shape}, but the run was trained with ({needed})")
    if not array.size:
        raise UserError("no steps: the array is empty")
    if spec.kind == "image":
        if not whole or array.min() < 0 or array.max() > 255:
            raise UserError(f"pictures are whole numbers from 0 to 255, not {_range(array)}")
        return array.astype(np.uint8)
    if spec.kind in SEQUENCES:
        if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise UserError("sequences are finite numbers")
        return spec.encode(array) if spec.offset else array.astype(np.float32)
    if letters:
        return spec.encode(list(map(str, array)))
    if not whole or array.min() < 0 or array.max() >= spec.ids:
        raise UserError(f"texts are words, or token ids from 0 to {spec.ids - 1}, not {_range(array)}")
    ids: np.ndarray = np.trim_zeros(array.astype(np.int32), "b")  # what pads a batch
    return ids if len(ids) else array[:1].astype(np.int32)


def _range(array: np.ndarray) -> str:
    told = f" from {array.min():g} to {array.max():g}" if array.dtype.kind in "iuf" else ""
    return f"{array.dtype}{told}"
