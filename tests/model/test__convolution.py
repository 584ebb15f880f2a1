"""What the convolutional networks share: how far a stem shrinks pictures, and norms that padding does not move."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from overcast.model._convolution import SIDE, normed, shrinking_stride, stem


@pytest.mark.parametrize("side", [8, 16, 24, 28, 32, 64, 96, 128, 224, 256])
def test_the_first_stage_sees_a_small_picture(side: int) -> None:
    layers = stem(3, 4, shrinking_stride(side), "none")
    stem_side = nn.Sequential(*layers)(torch.randn(1, 3, side, side)).shape[-1]
    assert min(side, SIDE / 2) <= stem_side <= SIDE


def test_norm_over_time_learns_from_the_true_steps_alone() -> None:
    x, length = torch.randn(2, 6, 3), torch.tensor([6, 2])
    x[1, 2:] = 1e3
    norm = nn.BatchNorm1d(3)
    normalised = normed(x, length, norm)
    steps = torch.cat([normalised[0], normalised[1, :2]])
    assert steps.mean(0).allclose(torch.zeros(3), atol=1e-5)
    assert not normalised[1, 2:].any()
