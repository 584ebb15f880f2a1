"""ResNet: the convolutional network for pictures at its best, from first weights that the seed draws or skies give.

Stages as in `cnn`, each with residual blocks; the last layer reads all of them; and Muon for the convolutions, which
gets further in the same number of steps than AdamW does. Meant to be trained with batch_norm. It is the network to
ship, not the one to compare remedies on: Muon holds the length of its filters, so that what pulls at lengths is
refused.

    python pipelines/train.py data=weather model=resnet "mitigation=[augmentation,batch_norm]" lr=0.003
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import NonNegativeInt, PositiveInt

from overcast.config.options import Rate
from overcast.core.spec import Kind, Spec
from overcast.model import Depth, Norm, Scale
from overcast.model._convolution import Convolutional
from overcast.model._muon import Muon

HELD = "its optimiser holds the length of its filters"


class ResNet(Convolutional):
    """Residual stages (He et al. 2016, "Deep Residual Learning for Image Recognition"). Options: `Convolutional`."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)
    refuses: ClassVar[dict[str, str]] = {"weight_decay": HELD, "l1": HELD, "max_norm": HELD}

    def __init__(
        self,
        spec: Spec,
        width: PositiveInt = 32,
        stages: Depth = 4,
        blocks: NonNegativeInt = 1,
        stem_stride: Literal[1, 2, 4, 8, 16] | None = None,
        dropout: Rate = 0.0,
        norm: Norm = "none",
        scale: Scale = 1.0,
    ) -> None:
        super().__init__(
            spec,
            width,
            stages,
            stem_stride=stem_stride,
            head="all",
            blocks=blocks,
            dropout=dropout,
            norm=norm,
            scale=scale,
        )

    def optimizer(self, lr: float) -> torch.optim.Optimizer:
        """Muon for all convolutions but the first, which reads three colours only, and AdamW for the rest."""
        banks = [weights for weights in self.parameters() if weights.ndim == 4][1:]
        chosen = {id(bank) for bank in banks}
        return Muon(banks, [weight for weight in self.parameters() if id(weight) not in chosen], lr)
