"""Muon: orthogonal steps against the singular value decomposition, filters of length 1, AdamW for all else."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from overcast.model._muon import STEP, Muon, orthogonal


@pytest.mark.parametrize("shape", [(8, 27), (32, 9), (16, 16)])
def test_directions_are_kept_and_all_about_as_long(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    inside = u.T @ orthogonal(matrix, steps=5) @ v.T
    assert (inside - inside.diag().diag()).abs().max() < 1e-9
    assert 0.6 < inside.diag().min() <= inside.diag().max() < 1.3


def test_a_step_turns_filters_and_adamw_steps_the_rest() -> None:
    torch.manual_seed(0)
    filters, others = (nn.Parameter(torch.randn(4, 3, 3, 3)) for _ in range(2))
    alone = nn.Parameter(others.detach().clone())
    ours, adamw = Muon([filters], [others], lr=0.01), torch.optim.AdamW([alone], lr=0.01, weight_decay=0.0)
    for _ in range(3):
        before, gradient = filters.detach().clone(), torch.randn(4, 3, 3, 3)
        for weights in (filters, others, alone):
            weights.grad = gradient.clone()
        assert ours.step(lambda: 7.0) == 7.0
        adamw.step()
        assert others.equal(alone)
        assert filters.grad is not None
        assert filters.grad.equal(gradient)
        step = filters - before * 2 / before.norm()  # four filters of the mean length 1
        assert step.norm().item() == pytest.approx(STEP * 0.01 * 2, rel=0.3)  # the size of four orthogonal directions


def test_what_has_no_gradient_stays() -> None:
    filters = nn.Parameter(torch.randn(4, 3, 3, 3))
    before = filters.detach().clone()
    Muon([filters], [], lr=0.01).step()
    assert filters.equal(before)
