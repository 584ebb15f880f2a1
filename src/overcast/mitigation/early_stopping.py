"""Early stopping: stop when the validation negative log-likelihood no longer falls, and go back to where it was least.

Prechelt (1998), "Early Stopping - But When?". Expected: the gap of the best epoch instead of the last; with
a schedule that anneals to zero the gain in accuracy is small. Costs nothing, saves epochs.

    python pipelines/train.py mitigation=early_stopping mitigation.early_stopping.patience=3
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PositiveInt
from pytorch_lightning import callbacks

from overcast.mitigation import Acts, Mitigation

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule, Trainer


class EarlyStopping(Mitigation):
    """patience: epochs to go on without a lower validation negative log-likelihood.

    min_delta: by how much it must be lower to count, in nats.
    """

    acts: ClassVar[Acts] = "at the end"
    needs_validation: ClassVar[bool] = True

    def __init__(self, patience: PositiveInt = 5, min_delta: float = 0.0) -> None:
        self.patience, self.min_delta = patience, min_delta

    def callbacks(self) -> list[callbacks.Callback]:
        return [RestoreBest("validation/nll", patience=self.patience, min_delta=self.min_delta)]


class RestoreBest(callbacks.EarlyStopping):
    """Lightning's early stopping, which also goes back to the best weights when the fit ends."""

    best: dict[str, Any] | None = None
    measured: dict[str, Any]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Lightning counts looks at the validation part, and this epochs."""
        super().setup(trainer, pl_module, stage)
        self.patience = -(-self.patience // (trainer.check_val_every_n_epoch or 1))

    def on_validation_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if batch_idx == dataloader_idx == 0:  # the weights measured: averaging's are in place only until it ends
            self.measured = {name: value.detach().clone() for name, value in module.state_dict().items()}

    def _run_early_stopping_check(self, trainer: Trainer) -> None:
        before = self.best_score.item()
        super()._run_early_stopping_check(trainer)
        if self.best_score.item() != before:
            self.best = self.measured

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.best = state_dict["best"]

    def on_fit_end(self, trainer: Trainer, module: LightningModule) -> None:
        if self.best is not None:
            module.load_state_dict(self.best)
