"""Trained tiny runs, and networks made up so that what they look at is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from overcast.tracking.run_folder import Run
from overcast.training.train import train


class Corner(nn.Module):
    """Says class 1 by the mean of the top left quarter of a picture, and looks at nothing else."""

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        score = 4 * x[:, :, : x.shape[2] // 2, : x.shape[3] // 2].mean((1, 2, 3))
        return torch.stack([-score, score], 1)


class Saying(nn.Module):
    """Says class 1 where a sentence has word 5: by embeddings of one number, which only that word has."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(8, 1, 0)
        with torch.no_grad():
            self.words.weight.copy_((torch.arange(8) == 5)[:, None] * 3.0)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        score = self.words(x).sum((1, 2))
        return torch.stack([-score, score], 1)


@pytest.fixture
def corner() -> nn.Module:
    return Corner().eval()


@pytest.fixture
def saying() -> nn.Module:
    return Saying().eval()


@pytest.fixture
def trained(config: Any) -> Callable[..., Run]:
    """A run trained with these overrides."""
    return lambda *overrides: train(config(*overrides))
