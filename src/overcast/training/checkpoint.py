"""What a run goes on from after an interruption, bit for bit as if there had been none.

A checkpoint is written at the end of the first epoch that ends `SECONDS_BETWEEN` seconds after the last one: a short
run writes none. It replaces the one before, lies in the run's folder, beside what DVC keeps of it, and is removed when
the run has finished. Random states are not in it: every draw is keyed by seed, epoch and step.
"""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from overcast.core.atomic import whole_file
from overcast.core.console import warn
from overcast.core.errors import UserError

SECONDS_BETWEEN = 10.0


class EpochCheckpoint(Checkpoint):
    """Writes ``path`` at the end of an epoch, after all other callbacks, but for the last one: then the run is done.

    Nor where the fit is about to end, since what says so would not be asked again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.saved = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        due = trainer.strategy.broadcast(time.monotonic() - self.saved >= SECONDS_BETWEEN)  # for all processes alike
        if due and not trainer.should_stop and trainer.current_epoch + 1 < (trainer.max_epochs or 0):
            trainer.save_checkpoint(self.path, weights_only=False)
            self.saved = time.monotonic()


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are there whole or not at all. One that cannot be written is told once, and costs nothing."""

    failed = False

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        try:
            whole_file(Path(path), buffer.getvalue())
        except UserError as error:
            if not self.failed:
                warn(f"an interruption would cost the whole run: {error}")
            self.failed = True

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Raises: UserError if it is damaged."""
        try:
            state: dict[str, Any] = super().load_checkpoint(path, map_location, weights_only)
        except Exception as error:  # torch tells a damaged file in many ways
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(f"{path} is damaged ({reason}): remove it, and the run begins anew") from None
        return state
