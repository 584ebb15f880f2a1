"""What a training sees: batches shared out between ranks, the same for a seed, new in each epoch."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from overcast.prepare.pack import Pack, open_pack
from overcast.prepare.split import read_parts
from overcast.training.batch_loader import BatchLoader
from overcast.training.datamodule import PackDataModule


@pytest.fixture
def pack(data: Path) -> Pack:
    return open_pack(data, "skies")


@pytest.fixture
def datamodule(pack: Pack, data: Path) -> PackDataModule:
    return PackDataModule(pack, read_parts(data, "skies", 0, 0, 10), 16, seed=5)


def rows(batches: BatchLoader) -> list[list[int]]:
    """The rows in each batch, found again by their pictures."""
    known = {picture.tobytes(): row for row, picture in enumerate(batches.pack.values)}
    return [[known[picture.numpy().tobytes()] for picture in x] for x, _, _ in batches]


def flat(batches: list[list[int]]) -> list[int]:
    return [row for batch in batches for row in batch]


def at(datamodule: PackDataModule, epoch: int, rank: int = 0, world: int = 1) -> BatchLoader:
    datamodule.trainer = SimpleNamespace(current_epoch=epoch, global_rank=rank, world_size=world)  # type: ignore[assignment]
    return datamodule.train_dataloader()


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_each_global_batch(datamodule: PackDataModule, world: int) -> None:
    whole = rows(at(datamodule, 1))
    shares = [rows(at(datamodule, 1, rank, world)) for rank in range(world)]
    for number, batch in enumerate(whole):
        parts = [share[number] for share in shares]
        assert sorted(flat(parts)) == sorted(batch)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert at(datamodule, 1, 0, world).sizes == at(datamodule, 1).sizes


def test_same_seed_same_batches_and_a_new_order_each_epoch(pack: Pack, data: Path, datamodule: PackDataModule) -> None:
    parts = read_parts(data, "skies", 0, 0, 10)
    again, other = PackDataModule(pack, parts, 16, seed=5), PackDataModule(pack, parts, 16, seed=6)
    assert rows(at(datamodule, 0)) == rows(at(again, 0))
    assert rows(at(datamodule, 0)) != rows(at(datamodule, 1))
    assert rows(at(datamodule, 0)) != rows(at(other, 0))
    assert sorted(flat(rows(at(datamodule, 3)))) == np.flatnonzero(parts == "train").tolist()


def test_a_loader_asks_for_the_epoch_at_each_pass(datamodule: PackDataModule) -> None:
    loader = at(datamodule, 0)
    first = rows(loader)
    datamodule.trainer.current_epoch = 1  # type: ignore[misc,union-attr]
    assert rows(loader) != first


def test_parts_are_kept_apart(datamodule: PackDataModule, data: Path) -> None:
    parts = read_parts(data, "skies", 0, 0, 10)
    assert set(parts[datamodule.train]) == {"train"}
    assert set(parts[datamodule.validation]) == {"validation"}
    assert len(datamodule.validation) == (parts == "validation").sum()
    validation, sample = datamodule.val_dataloader()
    assert flat(rows(validation)) == datamodule.validation.tolist()
    assert flat(rows(sample)) == datamodule.sample.tolist()


def test_the_train_sample_is_fixed_and_as_large_as_the_validation_part(
    datamodule: PackDataModule, pack: Pack, data: Path
) -> None:
    assert len(datamodule.sample) == len(datamodule.validation)
    assert set(datamodule.sample) <= set(datamodule.train)
    again = PackDataModule(pack, read_parts(data, "skies", 0, 0, 10), 32, seed=5)
    assert (again.sample == datamodule.sample).all()
