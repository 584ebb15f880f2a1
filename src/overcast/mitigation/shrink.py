"""Shrink: the same network with narrower layers, the oldest way of not overfitting.

Fewer weights can memorise less (Baum & Haussler 1989, "What Size Net Gives Valid Generalization?"). Expected:
a smaller gap, because the train part is fitted less well; rarely a better accuracy, except where the network
was far too large. The only measure here that makes a run cheaper: half the width is about a quarter of the
multiply-adds.

    python pipelines/train.py mitigation=shrink mitigation.shrink.scale=0.25
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from overcast.mitigation import Mitigation


class Shrink(Mitigation):
    """scale: what every layer's width is multiplied by."""

    def __init__(self, scale: Annotated[float, Field(gt=0, le=1)] = 0.5) -> None:
        self.scale = scale

    def model_kwargs(self) -> dict[str, Any]:
        return {"scale": self.scale} if self.scale < 1 else {}
