"""Label smoothing: what it adds makes torch's smoothed cross-entropy, for classes and for probabilities."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from overcast.core.errors import UserError
from overcast.mitigation.label_smoothing import LabelSmoothing

LOGITS = torch.randn(20, 5, generator=torch.Generator().manual_seed(0)) * 3
CLASSES = torch.arange(20) % 5
PROBABILITIES = LOGITS.flip(0).softmax(1)


@pytest.mark.parametrize("epsilon", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("target", [CLASSES, PROBABILITIES], ids=["classes", "probabilities"])
def test_agrees_with_torch(epsilon: float, target: torch.Tensor) -> None:
    plain = F.cross_entropy(LOGITS, target, reduction="none")
    smoothed = F.cross_entropy(LOGITS, target, reduction="none", label_smoothing=epsilon)
    added = LabelSmoothing(epsilon).loss(nn.Identity(), LOGITS, target)
    assert (plain + added).allclose(smoothed, atol=1e-6)


def test_certainty_costs() -> None:
    sure = 20.0 * F.one_hot(CLASSES, 5).float()
    assert (torch.as_tensor(LabelSmoothing(0.1).loss(nn.Identity(), sure, CLASSES)) > 1).all()


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=label_smoothing", "mitigation.label_smoothing.epsilon=0.0")


@pytest.mark.parametrize("epsilon", [-0.1, 1.1])
def test_out_of_range_is_refused(built: Any, epsilon: float) -> None:
    with pytest.raises(
        UserError, match=rf"mitigation\.label_smoothing\.epsilon={epsilon}: must be at least 0 and at most 1$"
    ):
        built(LabelSmoothing, epsilon=epsilon)
