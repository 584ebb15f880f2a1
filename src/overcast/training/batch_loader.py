"""Batches by index from the pack: no per-sample Python, and no Lightning, so that measuring a run needs none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np
import torch
from torch import Tensor

from overcast.config.run_config import RunConfig
from overcast.core.seeding import stratified_sample
from overcast.core.spec import Spec
from overcast.prepare.pack import Pack
from overcast.prepare.read_ahead import read_ahead
from overcast.training.plan import n_batches

EVALUATION_BATCH = (64, 512)
"""Samples measured at once: large ones few, small ones many."""

EVALUATION_NUMBERS = 2**16
"""How many numbers of input those have between them: what a network makes of more leaves a CPU's caches, and then
measuring takes twice as long."""

DEBUG_BATCHES = 2

DEBUG_ROWS = 1024


def evaluation_batch(spec: Spec) -> int:
    """How many samples to measure at once."""
    fewest, most = EVALUATION_BATCH
    return min(max(EVALUATION_NUMBERS // prod(spec.shape), fewest), most)


def measured_rows(config: RunConfig, pack: Pack, rows: np.ndarray) -> np.ndarray:
    """These rows of a part; in a debug run `DEBUG_ROWS` of them at most, the same for every run."""
    return stratified_sample(rows, pack.labels, DEBUG_ROWS, "debug") if config.debug else rows


@dataclass
class BatchLoader:
    """An iterable of ``(x, y, length)`` over rows of the pack, as raw values.

    size: samples in the *global* batch; batches are near-equal, and none has one sample alone.
    order: called at the start of each pass, gives the order of the rows; None keeps theirs.
    rank, world: this process takes ``batch[rank::world]``.
    accumulate: batches that make up a step; a step has the samples of one batch so many times as large.
    resident: all the pack's pictures on a device (`overcast.training.resident`), to pick them there.
    """

    pack: Pack
    rows: np.ndarray
    size: int
    order: Callable[[], np.ndarray] | None = None
    rank: int = 0
    world: int = 1
    accumulate: int = 1
    resident: Tensor | None = None

    @cached_property
    def sizes(self) -> list[int]:
        """The number of samples in each global batch."""
        return [len(part) for part in self._batches(self.rows)]

    @cached_property
    def step_sizes(self) -> list[int]:
        """The number of samples in all the batches of each step."""
        return [len(part) for part in self._steps(self.rows)]

    def _steps(self, rows: np.ndarray) -> list[np.ndarray]:
        return np.array_split(rows, n_batches(len(rows), self.size * self.accumulate))

    def _batches(self, rows: np.ndarray) -> list[np.ndarray]:
        return [batch for step in self._steps(rows) for batch in np.array_split(step, self.accumulate)]

    @property
    def spec(self) -> Spec:
        return self.pack.spec

    def reordered(self, order: Callable[[], np.ndarray]) -> BatchLoader:
        """The same rows in another order, whole on every process."""
        return replace(self, order=order, rank=0, world=1)

    def __len__(self) -> int:
        return n_batches(len(self.rows), self.size * self.accumulate) * self.accumulate

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        rows = self.rows if self.order is None else self.rows[self.order()]
        mine = [part[self.rank :: self.world] for part in self._batches(rows)]
        for rows in mine if self.resident is not None else read_ahead(self.pack, mine):
            x, length = self._gather(rows)
            yield x, torch.from_numpy(self.pack.labels[rows]), length

    def _gather(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        if self.resident is None:
            x, length = self.pack.gather(rows)
            return torch.from_numpy(x), torch.from_numpy(length)
        picked = self.resident[torch.from_numpy(rows).to(self.resident.device)]
        return picked, torch.full((len(rows),), self.spec.shape[1])
