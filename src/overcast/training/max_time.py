"""A run that ends when its time is over: with whole epochs, and fewer of them."""

from __future__ import annotations

from datetime import timedelta

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Timer
from pytorch_lightning.trainer.states import RunningStage


class MaxTime(Timer):
    """Ends a fit at the first look at an epoch after ``seconds``: what comes after one would not be measured.

    A run that is resumed has what time it had left.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(duration=timedelta(seconds=seconds), interval="epoch", verbose=False)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        if (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1) == 0:
            super().on_train_epoch_end(trainer, module)

    @property
    def is_over(self) -> bool:
        remaining = self.time_remaining(RunningStage.TRAINING)
        return remaining is not None and remaining <= 0
