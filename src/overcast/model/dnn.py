"""DNN: several fully connected layers of rectified linear units.

Expected: better than one sigmoid layer, well below a convolutional network of a tenth of its weights on
photographs. Seconds a run.

    python pipelines/train.py data=digits model=dnn
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import ClassVar, Literal

from pydantic import PositiveInt
from torch import Tensor, nn

from overcast.model import Network, Norm, fill, norm_layer, widen
from overcast.spec import Kind, Spec


class DNN(Network):
    """Flatten, ``len(hidden)`` hidden layers, one output per class (ReLU: Glorot, Bordes & Bengio 2011)."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image", "sequence")

    def __init__(
        self,
        spec: Spec,
        hidden: tuple[PositiveInt, ...] = (256, 128, 64),
        activation: Literal["sigmoid", "relu", "tanh"] = "relu",
        dropout: float = 0.0,
        norm: Norm = "none",
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.shape = spec.shape
        act = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}[activation]
        widths = [prod(spec.shape), *(widen(h, scale) for h in hidden)]
        layers: list[nn.Module] = [nn.Flatten()]  # (B, D)
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), norm_layer(norm, after), act(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], len(spec.classes)))  # (B, K)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        logits: Tensor = self.layers(fill(x, self.shape))
        return logits
