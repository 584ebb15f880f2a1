"""A run that ends when its time is over: with whole epochs, and fewer of them."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Timer


class MaxTime(Timer):
    """Ends a fit at the first look at an epoch after ``seconds``: what comes after one would not be measured.

    A run that is resumed has what time it had left; with none left it goes on to the next look.
    """

    ended = False
    """Whether it has ended the fit."""

    def __init__(self, seconds: float) -> None:
        super().__init__(interval="epoch", verbose=False)
        self._duration = seconds

    def on_fit_start(self, *_: Any) -> None:
        """Not Lightning's: that ends a resumed fit whose time is over before the epoch that it is at was measured."""

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        epochs = trainer.current_epoch + 1
        if epochs % (trainer.check_val_every_n_epoch or 1) == 0 and epochs < (trainer.max_epochs or 0):
            before = trainer.should_stop
            super().on_train_epoch_end(trainer, module)
            self.ended = trainer.should_stop and not before
