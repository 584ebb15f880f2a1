"""L1: adds strength times the sum of all weights' sizes, and drives weights to zero."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from overcast.core.errors import UserError
from overcast.mitigation.l1 import L1


def test_adds_the_sum_of_weights_but_not_of_biases_and_embeddings() -> None:
    net = nn.Sequential(nn.Embedding(4, 2), nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(-3.0)
    assert torch.as_tensor(L1(0.1).loss(net, torch.zeros(1, 2), torch.zeros(1))).item() == pytest.approx(0.1 * 18)


def test_more_of_it_leaves_more_weights_near_zero(trained: Any) -> None:
    def near_zero(strength: float) -> float:
        trainer, _ = trained("epochs=6", "mitigation=l1", f"mitigation.l1.strength={strength}", "model=dnn")
        weights = [p.detach().flatten() for p in trainer.lightning_module.net.parameters() if p.ndim > 1]
        return (torch.cat(weights).abs() < 1e-3).float().mean().item()

    few, some, most = (near_zero(strength) for strength in (0.0, 1e-4, 1e-2))
    assert few < some < most
    assert most > 0.3


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=l1", "mitigation.l1.strength=0.0")


def test_out_of_range_is_refused(built: Any) -> None:
    with pytest.raises(UserError, match=r"mitigation\.l1\.strength=-1: must be at least 0$"):
        built(L1, strength=-1)
