"""Dropout: in training each hidden unit is left out by chance, so that no unit can lean on another.

Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks from Overfitting". Expected: a
smaller gap, most where fully connected layers are wide, after a slower start: with 0.5,
the paper's choice, three hidden layers are far from done after 20 epochs. Costs up to a tenth of a step.

    python pipelines/train.py model=dnn mitigation=dropout mitigation.dropout.p=0.5
"""

from __future__ import annotations

from typing import Any

from overcast.config.options import Rate
from overcast.mitigation import Mitigation


class Dropout(Mitigation):
    """p: the chance that a hidden unit is left out of a step."""

    def __init__(self, p: Rate = 0.3) -> None:
        self.p = p

    def model_kwargs(self) -> dict[str, Any]:
        return {"dropout": self.p} if self.p else {}
