"""Max-norm: no unit's weights may grow beyond a fixed length; after each step they are cut back to it.

Srebro & Shraibman (2005), "Rank, Trace-Norm and Max-Norm"; for networks Srivastava et al. (2014), together with
dropout. Expected: little by itself in a short run, where weights stay small anyway; a safe-guard that lets
learning rates be high. Costs a pass over the weights, up to a sixth of a step.

Pretrained layers that learn on are not cut. Their lengths were found on far more data, and a limit meant for fresh
units would undo that at the first step, whatever the gradient says; weight decay and L1, which only pull, leave the
gradient its say.

    python pipelines/train.py "mitigation=[dropout,max_norm]" mitigation.max_norm.limit=1.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

import torch
from pydantic import Field
from pytorch_lightning import Callback
from torch import nn

from overcast.mitigation import Acts, Mitigation, TrainedModule
from overcast.mitigation.weight_decay import decayed_weights
from overcast.model import Network

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule, Trainer


Limit = Annotated[float, Field(gt=0, allow_inf_nan=True)]
"""inf is no limit."""


@torch.no_grad()
def project(net: nn.Module, limit: float) -> None:
    """Cut each unit's incoming weights to at most ``limit`` in Euclidean length; shorter and pretrained ones stay."""
    pretrained = net.pretrained() if isinstance(net, Network) else None
    spared = set(pretrained.parameters()) if pretrained is not None else set()
    for weight in decayed_weights(net):
        if weight not in spared:
            weight.renorm_(2, 0, limit)


class MaxNorm(Mitigation):
    """limit: the greatest length of a unit's incoming weights; a fresh unit's is about 1.4 (ReLU) or 0.6."""

    acts: ClassVar[Acts] = "beyond a limit"

    def __init__(self, limit: Limit = 1.5) -> None:
        self.limit = limit

    def callbacks(self) -> list[Callback]:
        return [Project(self.limit)]


class Project(Callback):
    """Projects after every step."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        project(cast("TrainedModule", module).net, self.limit)
