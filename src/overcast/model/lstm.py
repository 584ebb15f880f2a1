"""LSTM: reads a sequence step by step, and a picture row by row.

Expected: the network to choose for sequences; on a picture it sees one row at a time and falls behind
the convolutional one. About the CNN's time a run.

    python pipelines/train.py data=digits model=lstm
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from overcast.model import Network, Norm, norm_layer, widen
from overcast.spec import Kind, Spec


class LSTM(Network):
    """One layer of long short-term memory, its state after the last true step (Hochreiter & Schmidhuber 1997)."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image", "sequence")

    def __init__(
        self, spec: Spec, hidden: PositiveInt = 128, dropout: float = 0.0, norm: Norm = "none", scale: float = 1.0
    ) -> None:
        super().__init__()
        width = widen(hidden, scale)
        features = spec.shape[0] * spec.shape[2] if spec.kind == "image" else spec.shape[1]
        self.lstm = nn.LSTM(features, width, batch_first=True)
        self.norm = norm_layer(norm, width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, len(spec.classes))

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        if x.dim() == 4:
            x = x.permute(0, 2, 1, 3).flatten(2)  # (B, C, H, W) -> (B, H, C·W): a row a step
        states, _ = self.lstm(x)  # (B, T, hidden)
        last = states[torch.arange(len(x), device=x.device), length - 1]  # (B, hidden)
        logits: Tensor = self.head(self.dropout(self.norm(last)))  # (B, K)
        return logits
