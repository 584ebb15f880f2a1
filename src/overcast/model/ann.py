"""ANN: one hidden layer of sigmoid units on the raw inputs, the network of the 1980s.

Expected: it learns handwritten digits well and photographs poorly, since each unit must learn its own
weight for every pixel. Seconds a run.

    python pipelines/train.py data=digits model=ann
"""

from __future__ import annotations

from pydantic import PositiveInt

from overcast.config.options import Rate
from overcast.core.spec import Spec
from overcast.model import Norm, Scale
from overcast.model._feedforward import Activation, Feedforward


class ANN(Feedforward):
    """Flatten, one hidden layer, one output per class (Rumelhart, Hinton & Williams 1986)."""

    def __init__(
        self,
        spec: Spec,
        hidden: PositiveInt = 128,
        activation: Activation = "sigmoid",
        embedding: PositiveInt = 64,
        dropout: Rate = 0.0,
        norm: Norm = "none",
        scale: Scale = 1.0,
    ) -> None:
        super().__init__(spec, (hidden,), activation, embedding, dropout, norm, scale)
