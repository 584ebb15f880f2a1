"""What a training sees of a pack, and in which order: the same batches for every run with the same seed."""

from __future__ import annotations

import numpy as np
import torch
from pytorch_lightning import LightningDataModule

from overcast.core.seeding import generator
from overcast.prepare.pack import Pack
from overcast.training.batch_loader import BatchLoader, evaluation_batch

UNMATCHED = 10
"""Of so many train rows one is measured where there is no validation part to be as large as."""


class PackDataModule(LightningDataModule):
    """Train batches shuffled by (seed, epoch); validation and a fixed train sample as large, to measure.

    parts: (N,) "train", "validation", "calibration", "test" or "unused" for each row of the pack.
    sampling: how often each train row is drawn, with replacement; None: each once an epoch.
    accumulate: batches that make up a step.
    """

    def __init__(
        self,
        pack: Pack,
        parts: np.ndarray,
        batch_size: int,
        seed: int,
        sampling: torch.Tensor | None = None,
        accumulate: int = 1,
    ) -> None:
        super().__init__()
        self.pack, self.batch_size, self.seed, self.sampling = pack, batch_size, seed, sampling
        self.accumulate = accumulate
        self.resident: torch.Tensor | None = None
        """As `BatchLoader` has it, for the batches of a training."""
        self.train = np.flatnonzero(parts == "train")
        self.validation = np.flatnonzero(parts == "validation")
        self.calibration = np.flatnonzero(parts == "calibration")
        n_sample = len(self.validation) or max(1, len(self.train) // UNMATCHED)
        self.sample = np.sort(self._shuffled(self.train, "sample")[:n_sample])

    def _shuffled(self, rows: np.ndarray, purpose: str, epoch: int = 0) -> np.ndarray:
        order = torch.randperm(len(rows), generator=generator(self.seed, purpose, epoch))
        shuffled: np.ndarray = rows[order.numpy()]
        return shuffled

    def batches(self, rows: np.ndarray) -> BatchLoader:
        """Batches over these rows in their order, to measure on."""
        return BatchLoader(self.pack, rows, evaluation_batch(self.pack.spec))

    def train_dataloader(self) -> BatchLoader:
        def order() -> np.ndarray:
            # asked for when the epoch's first batch is: Lightning calls iter() before the epoch is known
            epoch = self.trainer.current_epoch if self.trainer else 0
            if self.sampling is not None:
                draws = generator(self.seed, "order", epoch)
                return torch.multinomial(self.sampling, len(self.train), replacement=True, generator=draws).numpy()
            return self._shuffled(np.arange(len(self.train)), "order", epoch)

        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        return BatchLoader(self.pack, self.train, self.batch_size, order, rank, world, self.accumulate, self.resident)

    def val_dataloader(self) -> list[BatchLoader]:
        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        return [
            BatchLoader(
                self.pack, rows, evaluation_batch(self.pack.spec), rank=rank, world=world, resident=self.resident
            )
            for rows in self.measured.values()
        ]

    @property
    def measured(self) -> dict[str, np.ndarray]:
        """The rows of each part that is looked at after an epoch; no validation part in a refit."""
        return {"validation": self.validation, "train": self.sample} if len(self.validation) else {"train": self.sample}
