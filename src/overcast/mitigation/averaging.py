"""Averaging: measures and keeps not the last weights but a moving average over the last steps.

Polyak & Juditsky (1992), "Acceleration of Stochastic Approximation by Averaging"; the exponential average of
Tarvainen & Valpola (2017). Expected: smoother learning curves and a better middle of the run; at its end the
gain is small, since the learning rate has gone to zero by then. Costs a second copy of
the weights and a pass over them, up to a fifth of a step.

    python pipelines/train.py mitigation=averaging mitigation.averaging.decay=0.95
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pytorch_lightning import Callback
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor

from overcast.config.options import Rate
from overcast.mitigation import Acts, Mitigation


def average(old: Tensor, new: Tensor, steps: Tensor, decay: float) -> Tensor:
    """decay · old + (1 - decay) · new, with a lower decay while few ``steps`` have been averaged."""
    share = 1 - torch.clamp((1 + steps) / (10 + steps), max=decay)
    return old.lerp(new.to(old), share.to(old)) if old.is_floating_point() else new


class Averaging(Mitigation):
    """decay: what is left of the average at each step: 0.98 spans some 50 steps, 0.99 some 100."""

    acts: ClassVar[Acts] = "at the end"

    def __init__(self, decay: Rate = 0.98) -> None:
        self.decay = decay

    def callbacks(self) -> list[Callback]:
        # Lightning's: averages batch norm's running figures too, puts the average in place for each
        # validation and, once the fit is over, for good; both kinds of weights go into checkpoints
        return [WeightAveraging(avg_fn=lambda old, new, steps: average(old, new, steps, self.decay))]
