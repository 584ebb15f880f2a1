"""The only LightningModule, the only training step."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.strategies import ParallelStrategy
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR
from torchmetrics import MetricCollection

from overcast.core.seeding import derive_seed, generator
from overcast.mitigation import Batch, Mitigation
from overcast.model import Network
from overcast.prediction.preprocessor import Preprocessor
from overcast.training.batch_loader import BatchLoader
from overcast.training.metrics import epoch_metrics, gap

WARM_UP = 0.25
"""The share of the steps over which the one-cycle schedule climbs to the learning rate (Smith & Topin 2018)."""


class ClassifierModule(LightningModule):
    """Inputs, network and mitigations trained together.

    Every random draw of a step comes from a generator keyed by (seed, who draws, step, rank), so that one
    mitigation's draws never move another's.
    """

    def __init__(
        self,
        preprocessor: Preprocessor,
        net: Network,
        mitigations: dict[str, Mitigation],
        *,
        seed: int,
        lr: float,
        classes: int,
        loss_weights: Tensor | None = None,
    ) -> None:
        """loss_weights: how much the loss of each class counts (K,); None: all alike."""
        super().__init__()
        self.preprocessor, self.net = preprocessor, net
        self.mitigations = mitigations
        self.seed, self.lr, self.classes = seed, lr, classes
        self.step_batches: list[tuple[tuple[Tensor, Tensor, Tensor], int]] = []
        """The batches of this step so far, and their numbers in the epoch."""
        self.validation, self.sample = epoch_metrics(classes), epoch_metrics(classes)
        self.loss_weights: Tensor | None
        self.register_buffer("loss_weights", loss_weights, persistent=False)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """Logits (B, K) of raw values."""
        logits: Tensor = self.net(self.preprocessor(x, length), length).float()
        return logits

    def training_step(self, raw: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
        x, y, length = raw
        world, accumulate = self.trainer.world_size, self.trainer.accumulate_grad_batches
        loader = self.trainer.train_dataloader
        assert isinstance(loader, BatchLoader)
        self.step_batches = [*self.step_batches[: index % accumulate], (raw, index)]
        keys = [self.global_step, self.trainer.global_rank] + [index % accumulate] * (accumulate > 1)
        batch = Batch(self.preprocessor(x, length), y, length, self.classes)
        for name, mitigation in self.mitigations.items():
            draws = generator(self.seed, name, self.current_epoch, *keys, device=x.device)
            batch = mitigation.batch(batch, draws)
        self.seed_layers(derive_seed(self.seed, "layers", *keys))
        logits = self.net(batch.x, batch.length).float()
        losses = self._weighted(self.net.loss(logits, batch.y), batch.y)  # (B,)
        for mitigation in self.mitigations.values():
            losses = losses + self._weighted(mitigation.loss(self.net, logits, batch.y), batch.y)
        # ranks average their gradients, and Lightning a step's batches: scaled so, it is the mean of the whole step
        loss: Tensor = losses.sum() * (world * accumulate) / loader.step_sizes[index // accumulate]
        return loss

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        """A step by the gradient of all its batches, also where the optimiser asks for that again, as SAM does."""
        again = False

        def closure() -> Any:
            nonlocal again
            if again and len(self.step_batches) > 1:
                optimizer.zero_grad()
                for raw, index in self.step_batches[:-1]:
                    self._add_gradient(raw, index, optimizer)
            again = True
            return optimizer_closure()

        super().optimizer_step(epoch, batch_idx, optimizer, closure)

    def _add_gradient(self, raw: tuple[Tensor, Tensor, Tensor], index: int, optimizer: Any) -> None:
        """As Lightning does for a batch of a step that is not its last one: ranks average with that one."""
        strategy = self.trainer.strategy
        alone = strategy.block_backward_sync() if isinstance(strategy, ParallelStrategy) else nullcontext()
        with alone:
            loss = strategy.training_step(raw, index)
            assert isinstance(loss, Tensor)
            strategy.backward(loss / self.trainer.accumulate_grad_batches, optimizer)

    def _weighted(self, loss: Any, y: Tensor) -> Any:
        """What is a loss of each sample (B,) as much as its classes count; a number for all of them as it is."""
        if self.loss_weights is None or not (isinstance(loss, Tensor) and loss.dim()):
            return loss
        return loss * (y @ self.loss_weights.to(y) if y.is_floating_point() else self.loss_weights[y])

    def seed_layers(self, seed: int) -> None:
        """Layers that draw (dropout) take torch's default generator of their device."""
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def validation_step(self, raw: tuple[Tensor, Tensor, Tensor], _: int, dataloader_idx: int = 0) -> None:
        x, y, length = raw
        list(self._measures.values())[dataloader_idx].update(self(x, length), y)

    @property
    def _measures(self) -> dict[str, MetricCollection]:
        """Of the parts that are looked at, in the order of their loaders."""
        every = {"validation": self.validation, "train": self.sample}
        datamodule = self.trainer.datamodule  # type: ignore[attr-defined] # Lightning sets it
        return {part: every[part] for part in datamodule.measured}

    def on_validation_epoch_end(self) -> None:
        """Log negative log-likelihood and accuracy of both parts and the gap between them, once an epoch."""
        values = {}
        for part, metrics in self._measures.items():
            values[part] = dict(metrics.compute())
            metrics.reset()
        scores = {f"{p}/{m}": values[p][m] for p in sorted(values) for m in ("nll", "accuracy")}
        if "validation" in values:
            scores |= {f"validation_gap/{m}": value for m, value in gap(values["train"], values["validation"]).items()}
        self.log_dict({name: torch.as_tensor(value, dtype=torch.float32) for name, value in scores.items()})

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = self.net.optimizer(self.lr)
        for mitigation in self.mitigations.values():
            optimizer = mitigation.optimizer(self.net, optimizer)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=steps,
            pct_start=WARM_UP if WARM_UP * steps != 1 else 0.5,  # torch divides by zero where one step is the climb
            cycle_momentum=False,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
