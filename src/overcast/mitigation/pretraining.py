"""Pretraining: before any label is shown, the network learns to reconstruct each input from a noisy copy.

Hinton & Salakhutdinov (2006), "Reducing the Dimensionality of Data with Neural Networks"; Vincent et al. (2008),
"Extracting and Composing Robust Features with Denoising Autoencoders"; why it should help: Erhan et al. (2010).
What a layer gives must suffice for a linear map to reconstruct the clean input, at low resolution; then the map is
thrown away. Fully connected networks learn it layer by layer, each on top of the finished ones (Bengio et al. 2007),
so that no gradient has to come through many; others all at once, from the last layer. Expected: a better start,
most for many sigmoid layers and with few labels; with labels on all samples and modern layers the end is much the
same. Costs its epochs, each layer's if one by one, inside the measured time.

    python pipelines/train.py model=dnn train_fraction=0.2 mitigation=pretraining mitigation.pretraining.epochs=20
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise
from math import isfinite
from typing import ClassVar, Protocol, cast

import numpy as np
import torch
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.core.errors import DivergedError
from overcast.core.seeding import derive_seed, generator
from overcast.core.spec import Kind, Spec
from overcast.mitigation import Batch, Mitigation, TrainedModule
from overcast.mitigation.noise import Noise
from overcast.model import example_input, last_linear

SIDE = 12
"""Pixels a side, or steps of a sequence, at most, of what is reconstructed."""


def low_resolution(x: Tensor, max_length: int) -> Tensor:
    """What is to be reconstructed (B, P): pictures, or sequences filled up to ``max_length`` steps, coarsely."""
    if x.dim() == 4:
        height, width = (min(side, SIDE) for side in x.shape[2:])
        return F.adaptive_avg_pool2d(x, (height, width)).flatten(1)
    x = F.pad(x, (0, 0, 0, max_length - x.shape[1]))  # (B, T, F)
    return F.adaptive_avg_pool1d(x.transpose(1, 2), min(max_length, SIDE)).flatten(1)


def pretraining_rounds(net: nn.Module) -> list[tuple[nn.Linear, list[nn.Parameter]]]:
    """What learns, round by round, and the layer whose input it learns for: see above."""
    owners = [module for module in net.modules() if next(module.parameters(recurse=False), None) is not None]
    if not isinstance(owners[0], nn.Linear) or not all(isinstance(m, (nn.Linear, nn.BatchNorm1d)) for m in owners):
        return [(last_linear(net), list(net.parameters()))]
    layers: list[tuple[nn.Linear, list[nn.Parameter]]] = []
    for module in owners:  # a norm learns with the layer before it
        if isinstance(module, nn.Linear):
            layers.append((module, []))
        layers[-1][1].extend(module.parameters(recurse=False))
    return [(next_layer, trainable) for (_, trainable), (next_layer, _) in pairwise(layers)]


class TrainLoader(Protocol):
    """What this sees of the loader of the train batches."""

    rows: np.ndarray

    @property
    def spec(self) -> Spec: ...

    def reordered(self, order: Callable[[], np.ndarray]) -> Iterable[tuple[Tensor, Tensor, Tensor]]:
        """The same rows as raw batches (x, y, length), whole on every process, in the order that ``order`` gives."""
        ...


class Pretrain(Callback):
    """Pretrains when the fit starts, so that its time is part of the measured one."""

    def __init__(self, epochs: int, noise: Noise, lr: float) -> None:
        self.epochs, self.noise, self.lr = epochs, noise, lr
        self.losses: list[float] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.global_step:  # resumed: the weights have been through this
            return
        module, loader = cast("TrainedModule", pl_module), cast("TrainLoader", trainer.train_dataloader)
        with trainer.precision_plugin.forward_context():
            self.losses = self.pretrain(module, loader, int(trainer.num_training_batches))
        if trainer.world_size > 1:  # each process did the same work; now the same to the last bit
            for value in module.net.state_dict().values():
                torch.distributed.broadcast(value, 0)

    def pretrain(self, module: TrainedModule, loader: TrainLoader, limit: int) -> list[float]:
        """Train all layers but the head, ``limit`` batches an epoch; gives the mean squared error of each epoch."""
        module.seed_layers(derive_seed(module.seed, "pretraining"))
        each = enumerate(pretraining_rounds(module.net))
        losses = [loss for number, layer in each for loss in self.train_layer(module, loader, limit, number, *layer)]
        module.net.zero_grad()
        return losses

    def train_layer(
        self,
        module: TrainedModule,
        loader: TrainLoader,
        limit: int,
        number: int,
        next_layer: nn.Linear,
        trainable: list[nn.Parameter],
    ) -> list[float]:
        """Train ``trainable`` to give ``next_layer`` what it takes to reconstruct the input; the error of each epoch.

        Raises: DivergedError if that is not finite.
        """
        max_length = loader.spec.shape[0]
        n_values = low_resolution(example_input(loader.spec)[0], max_length).shape[1]
        decoder = nn.Linear(next_layer.in_features, n_values).to(next_layer.weight)
        trainable = [*trainable, *decoder.parameters()]
        optimizer = torch.optim.AdamW(trainable, lr=self.lr, weight_decay=0.0)
        layer_inputs: list[Tensor] = []
        handle = next_layer.register_forward_pre_hook(lambda _, inputs: layer_inputs.append(inputs[0]))
        losses = []
        for epoch in range(number * self.epochs, (number + 1) * self.epochs):
            errors = []
            for clean, noisy, length in islice(self.batches(module, loader, epoch), limit):
                module.net(noisy, length)
                loss = F.mse_loss(decoder(layer_inputs.pop()), low_resolution(clean, max_length))
                optimizer.zero_grad()
                loss.backward(inputs=trainable)  # type: ignore[no-untyped-call]
                optimizer.step()
                errors.append(loss.detach())
            losses.append(torch.stack(errors).mean().item())
            if not isfinite(losses[-1]):
                raise DivergedError(
                    f"mitigation=pretraining: its error is not finite in epoch {len(losses)}, before the training "
                    f"began. Try a lower mitigation.pretraining.lr (it was {self.lr:g})"
                )
        handle.remove()
        return losses

    def batches(
        self, module: TrainedModule, loader: TrainLoader, epoch: int
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Standardised inputs, the same with noise, and their lengths; on several devices the same on each."""

        def order() -> np.ndarray:
            draws = generator(module.seed, "pretraining order", epoch)
            return torch.randperm(len(loader.rows), generator=draws).numpy()

        for step, raw in enumerate(loader.reordered(order)):
            x, y, length = (part.to(module.device) for part in raw)
            clean = module.preprocessor(x, length)
            draws = generator(module.seed, "pretraining", epoch, step, device=x.device)
            module.seed_layers(derive_seed(module.seed, "pretraining", epoch, step))
            yield clean, self.noise.batch(Batch(clean, y, length, module.classes), draws).x, length


class Pretraining(Mitigation):
    """epochs: of reconstructing, for each layer if one by one. lr: learning rate.

    noise: standard deviation, in units of the train part's spread.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("image", "sequence", "spectrogram")

    def __init__(self, epochs: NonNegativeInt = 5, noise: NonNegativeFloat = 0.5, lr: PositiveFloat = 0.001) -> None:
        self.epochs, self.noise, self.lr = epochs, noise, lr

    def callbacks(self) -> list[Callback]:
        return [Pretrain(self.epochs, Noise(self.noise), self.lr)] if self.epochs else []
