"""What the fully connected networks share: hidden layers on a sample as one vector, and one output per class."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from overcast.config.options import Rate
from overcast.core.spec import Spec
from overcast.model import Network, Norm, Scale, norm_layer, scaled_width
from overcast.model._encoders import VectorEncoder

Activation = Literal["sigmoid", "relu", "tanh"]
ACTIVATIONS: dict[Activation, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}


class Feedforward(Network):
    """Flatten, ``len(hidden)`` hidden layers, one output per class."""

    def __init__(
        self,
        spec: Spec,
        hidden: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (256, 128, 64),
        activation: Activation = "relu",
        embedding: PositiveInt = 64,
        dropout: Rate = 0.0,
        norm: Norm = "none",
        scale: Scale = 1.0,
    ) -> None:
        super().__init__()
        self.vector = VectorEncoder(spec, embedding)
        widths = [self.vector.features, *(scaled_width(h, scale) for h in hidden)]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [
                nn.Linear(before, after),
                norm_layer(norm, after),
                ACTIVATIONS[activation](),
                nn.Dropout(dropout),
            ]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], len(spec.classes)))  # (B, K)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        logits: Tensor = self.layers(self.vector(x, length))
        return logits
