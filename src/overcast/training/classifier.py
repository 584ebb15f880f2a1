"""The only LightningModule, the only training step."""

from __future__ import annotations

import torch
from pytorch_lightning import LightningModule
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
    ) -> None:
        super().__init__()
        self.preprocessor, self.net = preprocessor, net
        self.mitigations = mitigations
        self.seed, self.lr, self.classes = seed, lr, classes
        self.validation, self.sample = epoch_metrics(classes), epoch_metrics(classes)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """Logits (B, K) of raw values."""
        logits: Tensor = self.net(self.preprocessor(x, length), length).float()
        return logits

    def training_step(self, raw: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
        x, y, length = raw
        step, rank, world = self.global_step, self.trainer.global_rank, self.trainer.world_size
        batch = Batch(self.preprocessor(x, length), y, length, self.classes)
        for name, mitigation in self.mitigations.items():
            draws = generator(self.seed, name, self.current_epoch, step, rank, device=x.device)
            batch = mitigation.batch(batch, draws)
        self.seed_layers(derive_seed(self.seed, "layers", step, rank))
        logits = self.net(batch.x, batch.length).float()
        losses = self.net.loss(logits, batch.y)  # (B,)
        for mitigation in self.mitigations.values():
            losses = losses + mitigation.loss(self.net, logits, batch.y)
        # ranks average their gradients: scaled so, the average is that of the whole global batch
        loader = self.trainer.train_dataloader
        assert isinstance(loader, BatchLoader)
        return losses.sum() * world / loader.sizes[index]

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
