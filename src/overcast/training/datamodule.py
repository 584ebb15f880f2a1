"""Batches by index from the pack: no per-sample Python, the same batches for every run with the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor

from overcast.core.seeding import generator
from overcast.core.spec import Spec
from overcast.prepare.pack import Pack
from overcast.training.plan import n_batches

EVALUATION_BATCH = 512


@dataclass
class BatchLoader:
    """An iterable of ``(x, y, length)`` over rows of the pack, as raw values.

    size: samples in the *global* batch; batches are near-equal, and none has one sample alone.
    order: called at the start of each pass, gives the order of the rows; None keeps theirs.
    rank, world: this process takes ``batch[rank::world]``.
    """

    pack: Pack
    rows: np.ndarray
    size: int
    order: Callable[[], np.ndarray] | None = None
    rank: int = 0
    world: int = 1

    @cached_property
    def sizes(self) -> list[int]:
        """The number of samples in each global batch."""
        return [len(part) for part in np.array_split(self.rows, len(self))]

    @property
    def spec(self) -> Spec:
        return self.pack.spec

    def reordered(self, order: Callable[[], np.ndarray]) -> BatchLoader:
        """The same rows in another order, whole on every process."""
        return replace(self, order=order, rank=0, world=1)

    def __len__(self) -> int:
        return n_batches(len(self.rows), self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        rows = self.rows if self.order is None else self.rows[self.order()]
        for part in np.array_split(rows, len(self)):
            mine = part[self.rank :: self.world]
            x, length = self.pack.gather(mine)
            yield torch.from_numpy(x), torch.from_numpy(self.pack.labels[mine]), torch.from_numpy(length)


class PackDataModule(LightningDataModule):
    """Train batches shuffled by (seed, epoch); validation and a fixed train sample as large, to measure.

    parts: (N,) "train", "validation", "test" or "unused" for each row of the pack.
    """

    def __init__(self, pack: Pack, parts: np.ndarray, batch_size: int, seed: int) -> None:
        super().__init__()
        self.pack, self.batch_size, self.seed = pack, batch_size, seed
        self.train = np.flatnonzero(parts == "train")
        self.validation = np.flatnonzero(parts == "validation")
        self.sample = np.sort(self._shuffled(self.train, "sample")[: len(self.validation)])

    def _shuffled(self, rows: np.ndarray, purpose: str, epoch: int = 0) -> np.ndarray:
        order = torch.randperm(len(rows), generator=generator(self.seed, purpose, epoch))
        shuffled: np.ndarray = rows[order.numpy()]
        return shuffled

    def batches(self, rows: np.ndarray) -> BatchLoader:
        """Large batches over these rows in their order, to measure on."""
        return BatchLoader(self.pack, rows, EVALUATION_BATCH)

    def train_dataloader(self) -> BatchLoader:
        def order() -> np.ndarray:
            # asked for when the epoch's first batch is: Lightning calls iter() before the epoch is known
            epoch = self.trainer.current_epoch if self.trainer else 0
            return self._shuffled(np.arange(len(self.train)), "order", epoch)

        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        return BatchLoader(self.pack, self.train, self.batch_size, order, rank, world)

    def val_dataloader(self) -> list[BatchLoader]:
        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        return [
            BatchLoader(self.pack, rows, EVALUATION_BATCH, rank=rank, world=world)
            for rows in (self.validation, self.sample)
        ]
