"""Balanced sampling: as many batches as before, in which each class comes equally often, others in each epoch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.mitigation.balanced_sampling import BalancedSampling
from overcast.prepare.pack import Pack
from overcast.training.datamodule import PackDataModule

SIZES = (800, 150, 50)
LABELS = np.repeat(np.arange(3), SIZES)
SKEWED = ("imbalance_ratio=8", "epochs=2")


def drawn(epoch: int, seed: int = 0, rank: int = 0, world: int = 1) -> np.ndarray:
    """The rows of an epoch's train batches."""
    values = np.arange(1000, dtype=np.float32).reshape(-1, 1, 1, 1)
    values = np.arange(1000, dtype=np.float32).reshape(-1, 1, 1, 1)
    pack = Pack(Spec("image", (1, 1, 1), tuple("abc")), {}, LABELS, values, None, {})
    weights = BalancedSampling().sampling_weights(torch.from_numpy(LABELS), 3)
    datamodule = PackDataModule(pack, np.array(["train"] * 1000), 64, seed, weights)
    datamodule.trainer = SimpleNamespace(current_epoch=epoch, global_rank=rank, world_size=world)  # type: ignore[assignment]
    loader = datamodule.train_dataloader()
    assert sum(loader.sizes) == 1000
    return torch.cat([x.flatten() for x, _, _ in loader]).numpy().astype(int)


def test_each_class_comes_equally_often_and_each_of_its_samples_too() -> None:
    rows = np.concatenate([drawn(epoch) for epoch in range(60)])
    share = np.bincount(LABELS[rows]) / len(rows)
    assert share == pytest.approx([1 / 3] * 3, abs=0.01)  # six standard errors
    times = np.bincount(rows, minlength=1000)
    for k, size in enumerate(SIZES):
        wanted = len(rows) / 3 / size
        assert np.abs(times[k == LABELS] - wanted).max() < 6 * np.sqrt(wanted)


def test_draws_are_the_seeds_new_in_each_epoch_and_shared_by_the_ranks() -> None:
    assert (drawn(0) == drawn(0)).all()
    assert (drawn(0) != drawn(1)).any()
    assert (drawn(0) != drawn(0, seed=1)).any()
    both = [drawn(0, rank=rank, world=2) for rank in range(2)]
    assert sorted(np.concatenate(both)) == sorted(drawn(0))


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=balanced_sampling", "mitigation.balanced_sampling.strength=0.0", *SKEWED)
    assert not same_as_none("mitigation=balanced_sampling", *SKEWED)


def test_out_of_range_is_refused(built: Any) -> None:
    with pytest.raises(UserError, match=r"balanced_sampling\.strength=-1: must be at least 0 and at most 1$"):
        built(BalancedSampling, strength=-1)
