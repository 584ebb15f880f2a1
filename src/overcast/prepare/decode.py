"""Each sample as an array in turn, on all cores, with a bar; one that cannot be read is a reason, not an end."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from overcast.core.cores import cores
from overcast.core.errors import UserError
from overcast.core.process_pool import in_fresh_processes
from overcast.core.progress import open_bar
from overcast.data import DataSet, Sample
from overcast.readers.images import TooSmall
from overcast.readers.remarks import collected_remarks

FEW = 256  # samples, below which starting processes costs more than it gives
CHUNK = 16

_work: partial[Decoded]


@dataclass(frozen=True)
class Problem:
    """Why a sample is left out, as the audit says it."""

    problem: str
    detail: str


Decoded = tuple[np.ndarray | Problem, str, list[Problem]]
"""A sample's array or why there is none, the hash of its content ("" for none), and what else was odd about it."""


def decode(dataset: DataSet, raw: Path, samples: list[Sample]) -> Generator[Decoded]:
    """Each sample as `decode_one` gives it, in their order, a few ahead of what is asked for.

    Raises: UserError if a worker process dies, which means that memory ran out.
    """

    results = _results(dataset, raw, samples)
    try:
        yield from open_bar(results, "pack", total=len(samples), disable=None, unit="", leave=False)
    except BrokenProcessPool:
        raise UserError(
            "A process that decodes samples died, out of memory perhaps: free some and run again."
        ) from None


def decode_one(dataset: DataSet, raw: Path, sample: Sample) -> Decoded:
    """One sample's array and the SHA-256 of its content: the same pixels in two files are one hash."""
    try:
        with collected_remarks() as remarks:
            array = np.ascontiguousarray(dataset.load(raw, sample))
    except UserError as error:
        return Problem("tiny" if isinstance(error, TooSmall) else "unreadable", str(error)), "", []
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(array.tobytes())
    return array, digest.hexdigest(), [Problem(*text.split(": ", 1)) for text in remarks]


def _results(dataset: DataSet, raw: Path, samples: list[Sample]) -> Iterator[Decoded]:
    if len(samples) < FEW or cores() == 1:
        yield from (decode_one(dataset, raw, sample) for sample in samples)
        return
    chunks = (samples[first : first + CHUNK] for first in range(0, len(samples), CHUNK))
    for decoded in in_fresh_processes(cores(), _decode_in_worker, chunks, _start_worker, (dataset, raw)):
        yield from decoded


def _start_worker(dataset: DataSet, raw: Path) -> None:
    """Once a worker, so that a data set may keep what it has opened."""
    global _work
    _work = partial(decode_one, dataset, raw)


def _decode_in_worker(samples: list[Sample]) -> list[Decoded]:
    return [_work(sample) for sample in samples]
