"""A run whose loss or weights are no longer finite numbers ends, and says so.

Nothing that it learned from there on would be worth measuring.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from overcast.core.errors import DivergedError

SKIPPED = 5
"""Steps of an epoch whose loss may overflow under 16-mixed, whose scaler leaves such steps out, if the last is fine."""

MEASURED = ("train/nll", "validation/nll")
"""The losses that are measured after each epoch."""

DATA = "Nothing had been learned by then: look for values in the data that are not numbers, or far too large"


def first_bad(losses: Tensor, skipping: bool) -> int:
    """Which of an epoch's losses (N,) is the first that is not finite: N if there is none that counts.

    skipping: whether some may be, since the weights have not seen them.
    """
    bad = ~losses.isfinite()
    if not bad.any() or (skipping and not bad[-1] and int(bad.sum()) <= SKIPPED):
        return len(losses)
    return int(bad.int().argmax())


class StopDiverged(Callback):
    """Ends a fit by `DivergedError` at the end of the epoch in which a loss is not finite, on train or validation.

    Nor may a weight be, or a statistic of batch norm: with an infinite variance every loss is finite, and no run.

    The losses stay on their device until then: no step waits for a look at one.
    """

    def __init__(self, lr: float, precision: str) -> None:
        self.lr, self.precision = lr, precision
        self.losses: list[Tensor] = []

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        self.losses.append(outputs["loss"])  # which Lightning has detached and copied

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        self._check_losses(trainer, module)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._check_losses(trainer, module)

    def _check_losses(self, trainer: Trainer, module: LightningModule) -> None:
        """Once an epoch: before the look at it, if there is one."""
        losses, self.losses = self.losses, []
        if not losses:
            return
        step = first_bad(torch.stack(losses), skipping=self.precision == "16-mixed")
        # the same on every process, or one would wait for another that has ended
        step = int(trainer.strategy.reduce(torch.tensor(step, device=module.device), reduce_op="min"))
        if step < len(losses):
            where = f"in epoch {trainer.current_epoch + 1}, step {step + 1} of {len(losses)}"
            first = trainer.current_epoch == step == 0
            raise DivergedError(f"the loss is not finite {where}. {DATA if first else self.advice()}")

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        bad = sorted(name for name, value in measured.items() if name in MEASURED and not math.isfinite(value))
        where = f"after epoch {trainer.current_epoch + 1}"
        if bad:
            raise DivergedError(f"{' and '.join(bad)} of the weights {where} is not finite. {self.advice()}")
        finite = torch.stack([value.isfinite().all() for value in module.state_dict().values()]).all()
        if not trainer.strategy.reduce(finite.int(), reduce_op="min"):  # statistics are each process's own
            raise DivergedError(f"the weights {where} are not finite numbers. {self.advice()}")

    def advice(self) -> str:
        """What to try."""
        precise = "" if self.precision.endswith("-true") else ", trainer.precision=32-true"
        return f"Try a lower lr (it was {self.lr:g}), clipped weights (mitigation=max_norm){precise}"
