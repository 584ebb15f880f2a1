"""Pictures that lie on a device make the same batches as those that are read from the pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from overcast.core.devices import Devices
from overcast.prepare.pack import Pack, open_pack
from overcast.training import resident
from overcast.training.batch_loader import BatchLoader
from overcast.training.resident import resident_pictures, to_device

GPU = Devices("gpu", 1, "32-true", 1, (0,))


@pytest.fixture
def pack(data: Path) -> Pack:
    return open_pack(data, "skies")


def test_batches_are_the_same(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "BLOCK", 32)  # so that there are several, and an odd one
    rows = np.random.default_rng(0).permutation(len(pack.labels))[:70]
    read, picked = (BatchLoader(pack, rows, 16, resident=some) for some in (None, to_device(pack, "cpu")))
    for one, other in zip(read, picked, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            assert mine.dtype == theirs.dtype
            assert torch.equal(mine, theirs)


@pytest.mark.parametrize(("times", "fits"), [(5, True), (3, False)])
def test_pictures_go_to_a_gpu_that_has_room(
    pack: Pack, times: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (times * pack.values.nbytes, 0))
    monkeypatch.setattr(resident, "to_device", lambda pack, device: device)
    assert resident_pictures(pack, GPU) == ("cuda" if fits else None)


def test_nothing_goes_anywhere_on_a_cpu_or_of_other_samples(pack: Pack, data: Path) -> None:
    assert resident_pictures(pack, Devices("cpu", 1, "32-true", 1)) is None
    assert resident_pictures(open_pack(data, "waves"), GPU) is None


def test_a_training_picks_its_batches_there(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from overcast.training import assemble
    from overcast.training.train import train

    plain = train(config("epochs=2"))
    monkeypatch.setattr(assemble, "resident_pictures", lambda pack, _: to_device(pack, "cpu"))
    monkeypatch.setattr(Pack, "gather", None)
    monkeypatch.setattr(assemble, "cached_fit", lambda *_: plain_preprocessor(plain))
    assert train(config("epochs=2", f"run={tmp_path}/other")).weights_hash() == plain.weights_hash()


def plain_preprocessor(run: Any) -> Any:
    from overcast.prediction.trained_network import restore

    return restore(run).preprocessor
