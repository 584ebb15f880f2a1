"""Batches: every row once, near-equal; and measuring with them needs no training stack."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from overcast.core.spec import Spec
from overcast.prepare.pack import Pack, open_pack
from overcast.training.batch_loader import BatchLoader, evaluation_batch


@pytest.fixture
def pack(data: Path) -> Pack:
    return open_pack(data, "skies")


@pytest.mark.parametrize("number", [1, 2, 3, 5, 16, 17, 33, 100])
@pytest.mark.parametrize("size", [2, 3, 16, 64])
def test_near_equal_batches_hold_every_row_once(pack: Pack, number: int, size: int) -> None:
    batches = BatchLoader(pack, np.arange(number), size)
    known = {picture.tobytes(): row for row, picture in enumerate(pack.values)}
    found = [[known[picture.numpy().tobytes()] for picture in x] for x, _, _ in batches]
    sizes = [len(batch) for batch in found]
    assert [row for batch in found for row in batch] == list(range(number))
    assert sizes == batches.sizes
    assert len(sizes) == len(batches)
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= size + 1
    assert min(sizes) > 1 or number == 1  # batch norm refuses a batch of one


def test_a_batch_holds_values_labels_and_lengths(pack: Pack) -> None:
    x, y, length = next(iter(BatchLoader(pack, np.array([4, 2]), 8)))
    assert (x.numpy() == pack.values[[4, 2]]).all()
    assert y.tolist() == pack.labels[[4, 2]].tolist()
    assert length.tolist() == [16, 16]


@pytest.mark.slow
def test_measuring_imports_no_lightning() -> None:
    modules = "overcast.evaluation.evaluate, overcast.comparison.compare, overcast.prediction.predict"
    code = f"import sys, {modules}; print('pytorch_lightning' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("shape", "samples"), [((1, 8, 8), 512), ((1, 28, 28), 83), ((3, 64, 64), 64)])
def test_large_samples_are_measured_in_small_batches(shape: tuple[int, int, int], samples: int) -> None:
    assert evaluation_batch(Spec("image", shape, ("a", "b"))) == samples


@pytest.mark.parametrize("number", [8, 33, 80])
def test_accumulated_batches_are_the_large_ones_in_parts(pack: Pack, number: int) -> None:
    parts, whole = BatchLoader(pack, np.arange(number), 4, accumulate=4), BatchLoader(pack, np.arange(number), 16)
    assert len(parts) == len(parts.sizes) == 4 * len(whole)
    assert parts.step_sizes == whole.sizes == whole.step_sizes
    found = [x for x, _, _ in parts]
    assert [len(x) for x in found] == parts.sizes
    assert max(parts.sizes) - min(parts.sizes) <= 1
    for step, (x, _, _) in enumerate(whole):
        assert (x == torch.cat(found[4 * step : 4 * step + 4])).all()
