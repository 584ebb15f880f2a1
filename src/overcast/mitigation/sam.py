"""SAM: steps by the gradient of the worst point near by, and so looks for wide valleys of the loss.

Foret et al. (2021), "Sharpness-Aware Minimization for Efficiently Improving Generalization". Expected: a smaller
gap and often a better accuracy, most where the network fits the train part completely. Costs double: every
step goes forward and back twice.

    python pipelines/train.py mitigation=sam mitigation.sam.rho=0.1
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from pydantic import NonNegativeFloat
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from overcast.mitigation import Mitigation


class SAM(Mitigation):
    """rho: how far away the worst point is sought, as the length of the step in all weights together."""

    def __init__(self, rho: NonNegativeFloat = 0.05) -> None:
        self.rho = rho

    def optimizer(self, net: nn.Module, built: torch.optim.Optimizer) -> torch.optim.Optimizer:
        return SharpnessAware(net, built, self.rho) if self.rho else built


class SharpnessAware(torch.optim.Optimizer):
    """Wraps an optimiser, whose groups and state it shares: its gradient is that at the worst point near by.

    Draws are keyed by the step, so that both passes see the same batch and leave out the same units.
    """

    def __init__(self, net: nn.Module, built: torch.optim.Optimizer, rho: float) -> None:
        super().__init__(built.param_groups, built.defaults)
        self.net, self.built, self.rho = net, built, rho
        self._share()

    def _share(self) -> None:
        self.param_groups, self.state = self.built.param_groups, self.built.state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.built.load_state_dict(state_dict)
        self._share()

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        assert closure is not None, "the loss is needed twice a step"
        with torch.enable_grad():
            loss = closure()
        weights, before = self._climb()
        with torch.enable_grad(), frozen_batch_norm(self.net):
            closure()
        torch._foreach_copy_(weights, before)
        self.built.step()
        return loss

    def _climb(self) -> tuple[list[Tensor], list[Tensor]]:
        """Go ``rho`` up the gradient; gives the weights that moved, and what they were."""
        weights = [w for group in self.param_groups for w in group["params"] if w.grad is not None]
        before = [w.clone() for w in weights]
        slopes = [w.grad for w in weights]
        factor = self.rho / (torch.nn.utils.get_total_norm(slopes) + 1e-12)
        for weight, slope in zip(weights, slopes, strict=True):
            weight.add_(slope * factor)
        return weights, before


@contextmanager
def frozen_batch_norm(net: nn.Module) -> Iterator[None]:
    """Batch norm keeps its running figures as they are: they are updated once a step, not twice."""
    norms = [m for m in net.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
