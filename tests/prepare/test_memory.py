"""What packing and splitting hold in memory grows by little with each further picture, and not by the picture."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from overcast.data import DataSet, Sample
from overcast.prepare import decode
from overcast.prepare.download import download
from overcast.prepare.pack import open_pack, pack
from overcast.prepare.split import read_parts, split

SIDE = 32
A_PICTURE = 3 * SIDE * SIDE  # bytes
BOUND = 1000  # bytes a further sample


class Noise(DataSet):
    """Pictures of noise, made when they are read."""

    def __init__(self, number: int) -> None:
        self.number = number

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        pass

    def samples(self, raw: Path) -> list[Sample]:
        return [Sample(f"{i % 5}/{i:07}.png", str(i % 5)) for i in range(self.number)]

    def read(self, path: Path) -> np.ndarray:
        return np.random.default_rng(int(path.stem)).integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8)


def peak(work: Callable[[], object]) -> int:
    """Bytes that this held at most, beyond what was there before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def peaks(root: Path, number: int) -> dict[str, int]:
    name, noise = str(number), Noise(number)
    download(name, noise, root, None)
    return {
        "pack": peak(lambda: pack(name, noise, {}, root)),
        "split": peak(lambda: split(name, root, seed=0, folds=10)),
        "open_pack": peak(lambda: open_pack(root, name)),
        "read_parts": peak(lambda: read_parts(root, name, 0, 0, 10)),
    }


@pytest.mark.slow
def test_a_further_picture_takes_less_than_a_kilobyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "cores", lambda: 1)
    peaks(tmp_path, 100)  # imports
    few, many = 4000, 8000  # both more than any block
    before, after = peaks(tmp_path, few), peaks(tmp_path, many)
    further = {stage: (after[stage] - before[stage]) / (many - few) for stage in before}
    assert A_PICTURE > 3 * BOUND
    assert {stage: taken for stage, taken in further.items() if taken > BOUND} == {}
