"""ANN: one hidden layer of sigmoid units on the raw inputs, the network of the 1980s.

Expected: it learns handwritten digits well and photographs poorly, since each unit must learn its own
weight for every pixel. Seconds a run.

    python pipelines/train.py data=digits model=ann
"""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt
from torch import Tensor, nn

from overcast.core.spec import Spec
from overcast.model import Network, Norm, Rate, Scale, norm_layer, scaled_width
from overcast.model._encoders import VectorEncoder


class ANN(Network):
    """Flatten, one hidden layer, one output per class (Rumelhart, Hinton & Williams 1986)."""

    def __init__(
        self,
        spec: Spec,
        hidden: PositiveInt = 128,
        activation: Literal["sigmoid", "relu", "tanh"] = "sigmoid",
        embedding: PositiveInt = 64,
        dropout: Rate = 0.0,
        norm: Norm = "none",
        scale: Scale = 1.0,
    ) -> None:
        super().__init__()
        self.vector = VectorEncoder(spec, embedding)
        width = scaled_width(hidden, scale)
        self.layers = nn.Sequential(
            nn.Linear(self.vector.features, width),  # (B, hidden)
            norm_layer(norm, width),
            {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}[activation](),
            nn.Dropout(dropout),
            nn.Linear(width, len(spec.classes)),  # (B, K)
        )

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        logits: Tensor = self.layers(self.vector(x, length))
        return logits
