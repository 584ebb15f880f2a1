"""Perceptron: one layer of threshold units, a class each, trained by the rule that learns from mistakes alone.

The class with the highest score is the answer. Scores are handed on as logits, but nothing ever asked them to be
any: the rule stops as soon as the order is right. So read its accuracy; "probabilities" made of its scores mean
little, and cross-entropy, Brier score and calibration error may look terrible. Weights start at zero, so the learning
rate only scales the scores: without an embedding or a mitigation, it changes no decision. ``norm`` and ``dropout``
act on the inputs; there is no width, so no ``scale``.

Expected: it finds a line between two classes if there is one (Novikoff 1962), and cannot learn XOR, however long
(Minsky & Papert 1969); 96 % right on digits. Seconds a run.

    python pipelines/train.py data=digits model=perceptron
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.config.options import Rate
from overcast.core.spec import Spec
from overcast.model import Network, Norm, norm_layer
from overcast.model._encoders import VectorEncoder


class Perceptron(Network):
    """Scores that are linear in the inputs (Rosenblatt 1958); several classes as by Crammer & Singer (2003)."""

    refuses: ClassVar[dict[str, str]] = {
        "shrink": "it has no width",
        "pretraining": "it has no hidden layer to pretrain",
        "synthetic_pretraining": "it has no hidden layer to pretrain",
    }

    def __init__(
        self,
        spec: Spec,
        embedding: PositiveInt = 64,
        dropout: Rate = 0.0,
        norm: Norm = "none",
    ) -> None:
        super().__init__()
        self.vector = VectorEncoder(spec, embedding)
        self.norm = norm_layer(norm, self.vector.features)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.vector.features, len(spec.classes))
        for weights in self.head.parameters():
            nn.init.zeros_(weights)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        scores: Tensor = self.head(self.dropout(self.norm(self.vector(x, length))))  # (B, D) -> (B, K)
        return scores

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """By how much the highest score is above that of the true class (B,); for probabilities, their mean score.

        Going down it is the perceptron's rule: add the input to the true class's weights and take it from those
        of the class that came first; where they are one, nothing changes.
        """
        if target.dim() == 1:
            target = F.one_hot(target, logits.shape[1]).to(logits.dtype)
        return logits.max(1).values - (target * logits).sum(1)

    def optimizer(self, lr: float) -> torch.optim.Optimizer:
        """Plain gradient descent."""
        return torch.optim.SGD(self.parameters(), lr=lr)
