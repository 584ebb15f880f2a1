"""Each epoch's figures in TensorBoard's event files, beside the record that they go to anyway."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from overcast.core.errors import UserError
from overcast.tracking.run import Epoch, RunRecorder
from overcast.tracking.run_folder import EVENTS


def refuse_without_tensorboard(asked: bool) -> None:
    """Raises: UserError where event files are asked for, and the package that writes them is not installed."""
    if asked and importlib.util.find_spec("tensorboard") is None:
        raise UserError(
            "tracking=tensorboard needs the extra `tensorboard`: "
            'run pip install --constraint constraints.txt --editable ".[tensorboard]"'
        )


class EventFiles(RunRecorder):
    """Hands epochs on to ``record``, and writes their figures below the run's folder, which TensorBoard finds.

    They are closed at the end of a ``with`` block. A run that goes on after an interruption adds to them; TensorBoard
    shows what came last of an epoch.
    """

    def __init__(self, record: RunRecorder, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.record = record
        self.writer = SummaryWriter(str(folder / EVENTS))

    def epochs(self, rows: Sequence[Epoch]) -> None:
        self.record.epochs(rows)
        for row in rows:
            for name, value in row.metrics.items():
                self.writer.add_scalar(name, value, row.number, row.time)
        self.writer.flush()

    def last_epoch(self) -> int | None:
        return self.record.last_epoch()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()
