"""One file a way of fighting overfitting, and the base they share, which does nothing.

A mitigation overrides the hooks it needs. Several can be chosen at once; they apply in the order chosen. Strength zero
is the same as not choosing it, bit for bit where there is a zero.

One to copy, as ``mitigation/grey.py``; ``conf/mitigation/grey.yaml`` begins with ``# @package mitigation.grey`` and
holds ``_target_: overcast.mitigation.grey.Grey`` and its numbers, ``chance: 0.5``; its test is
``tests/mitigation/test_grey.py``:

    >>> class Grey(Mitigation):
    ...     "Colours are taken away from some of the pictures, chosen anew in each step."
    ...
    ...     kinds = ("image",)
    ...
    ...     def __init__(self, chance: float = 0.5) -> None:
    ...         self.chance = chance
    ...
    ...     def batch(self, batch: Batch, generator: torch.Generator) -> Batch:
    ...         chosen = torch.rand(len(batch.x), generator=generator, device=batch.x.device) < self.chance  # (B,)
    ...         grey = batch.x.mean(1, keepdim=True).expand_as(batch.x)  # (B, C, H, W)
    ...         return batch._replace(x=torch.where(chosen[:, None, None, None], grey, batch.x))
    >>> batch = Batch(torch.rand(4, 3, 8, 8), torch.zeros(4, dtype=torch.long), torch.full((4,), 8), 2)
    >>> Grey(chance=1.0).batch(batch, torch.Generator()).x.std(1).max().item()
    0.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.config.options import Option
from overcast.core.spec import Kind

if TYPE_CHECKING:
    from pytorch_lightning import Callback


class Batch(NamedTuple):
    """What a training step sees.

    x: standardised inputs: image (B, C, H, W), sequence or spectrogram (B, T, F), tokens (B, T).
    y: class index (B,), or class probabilities (B, K) once a mitigation has mixed the labels.
    length: (B,) true lengths of sequences and tokens; for images all equal.
    classes: K.
    """

    x: Tensor
    y: Tensor
    length: Tensor
    classes: int

    @property
    def probabilities(self) -> Tensor:
        """The labels as class probabilities (B, K), whether or not a mitigation has mixed them yet."""
        return self.y if self.y.is_floating_point() else F.one_hot(self.y, self.classes).float()


Acts = Literal["before the start", "from the start", "beyond a limit", "at the end"]


class FirstRun(NamedTuple):
    """A run of the same network on other data, whose weights a run may start from.

    data: its data set. shape: of its pictures (C, H, W), or (1, F) of its spectrograms, however long they are.
    mitigation: chosen for it, beside those of the run that change the network's layers.
    """

    data: Option
    shape: tuple[int, ...]
    mitigation: Option
    epochs: int
    batch_size: int
    lr: float


class TrainedModule(Protocol):
    """What a mitigation's callback sees of the LightningModule that is trained."""

    preprocessor: nn.Module
    net: nn.Module
    seed: int
    classes: int

    @property
    def device(self) -> torch.device: ...

    def seed_layers(self, seed: int) -> None: ...


class Mitigation:
    """Does nothing, and works as it stands.

    kinds: the kinds of data it makes sense for. acts: when it changes a run's weights, if its strength is not zero:
    before the first step, within the first two, once a weight goes beyond its limit, or after the last step, by which
    ones are kept. needs_validation: whether it looks at the validation part while it trains.
    """

    acts: ClassVar[Acts] = "from the start"
    kinds: ClassVar[tuple[Kind, ...]] = ("image", "sequence", "spectrogram", "tokens")
    needs_validation: ClassVar[bool] = False

    def model_kwargs(self) -> dict[str, Any]:
        """Arguments to put into the network's constructor (``dropout``, ``norm``, ``scale``); none at strength zero."""
        return {}

    def optimizer(self, net: nn.Module, built: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """The optimiser of ``net``, changed or wrapped."""
        return built

    def batch(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The train batch, changed on its device; every random draw comes from ``generator``."""
        return batch

    def loss(self, net: nn.Module, logits: Tensor, target: Tensor) -> Tensor | float:
        """What to add to the plain loss of the train batch: per sample (B,), or one number for all.

        logits: (B, K). target: class index (B,) or probabilities (B, K).
        """
        return 0.0

    def loss_weights(self, labels: Tensor, classes: int) -> Tensor | None:
        """How much each class counts in the loss of a train batch (K,), on average 1; None: all alike.

        labels: class indices (N,) of the train rows that are used. Several classes that were mixed count as mixed.
        """
        return None

    def sampling_weights(self, labels: Tensor, classes: int) -> Tensor | None:
        """How often each train row is drawn (N,), with replacement; None: once an epoch. labels: as `loss_weights`."""
        return None

    def first_weights(self, data: Option) -> FirstRun | None:
        """The run to start from, all but its last layer; it is trained once and kept. None: the seed draws them.

        data: the data set of the run that is to start from it.
        """
        return None

    def callbacks(self) -> list[Callback]:
        """Lightning callbacks for the fit."""
        return []
