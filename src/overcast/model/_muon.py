"""Muon: steps of the same size in all directions of a layer's weights, for convolutions; AdamW for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

STEP = 80
"""Times the learning rate: how long a step of a filter bank is, whose filters are held at length 1."""

MOMENTUM = 0.6

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the Newton-Schulz iteration, chosen to bring singular values near 1 in few steps (Jordan 2024)."""


class Muon(torch.optim.AdamW):
    """Momentum made orthogonal by a Newton-Schulz iteration (Jordan 2024, "Muon: An optimizer for hidden layers").

    As in airbench (Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds on a single GPU") the filters of a bank have the mean
    length 1, always: their norm says nothing where batch norm follows. Made for networks with batch norm.

    filters: weights of convolutions (out, in, height, width). others: what AdamW without weight decay steps.
    """

    def __init__(self, filters: Iterable[nn.Parameter], others: Iterable[nn.Parameter], lr: float) -> None:
        groups = [
            {"params": list(others), "filters": False},
            {"params": list(filters), "lr": STEP * lr, "filters": True},
        ]
        super().__init__([group for group in groups if group["params"]], lr=lr, weight_decay=0.0)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        banks = [(group, bank) for group in self.param_groups if group["filters"] for bank in group["params"]]
        gradients = [bank.grad for _, bank in banks]
        for group, bank in banks:
            self._step_filters(bank, group["lr"])
            bank.grad = None  # AdamW leaves alone what has no gradient
        super().step()
        for (_, bank), gradient in zip(banks, gradients, strict=True):
            bank.grad = gradient
        return loss

    def _step_filters(self, bank: nn.Parameter, lr: float) -> None:
        if bank.grad is None:
            return
        state = self.state[bank]
        state.setdefault("step", torch.zeros(()))  # which AdamW looks for when a state is loaded
        momentum = state.setdefault("momentum", torch.zeros_like(bank.grad))
        momentum.mul_(MOMENTUM).add_(bank.grad)
        ahead = bank.grad.add(momentum, alpha=MOMENTUM)  # Nesterov's
        bank.mul_(len(bank) ** 0.5 / bank.norm())
        bank.add_(orthogonal(ahead.flatten(1)).view_as(bank), alpha=-lr)


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """The matrix (M, N) with its singular values brought near 1, its directions kept, roughly and fast."""
    a, b, c = COEFFICIENTS
    x: Tensor = matrix / (matrix.norm() + 1e-7)
    x = x.T if x.shape[0] > x.shape[1] else x
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x
