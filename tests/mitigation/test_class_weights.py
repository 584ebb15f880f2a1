"""Class weights: scikit-learn's balanced ones, on each sample's loss; what is reported is not weighted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from overcast.core.errors import UserError
from overcast.mitigation.class_weights import ClassWeights
from overcast.training import classifier
from overcast.training.train import train

LABELS = torch.tensor([0] * 40 + [1] * 9 + [2] * 3 + [3])
SKEWED = ("imbalance_ratio=8", "epochs=2")


def test_agrees_with_scikit_learn() -> None:
    ours = ClassWeights().loss_weights(LABELS, 4)
    theirs = compute_class_weight("balanced", classes=np.arange(4), y=LABELS.numpy())
    assert ours is not None
    assert ours.numpy() == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_a_samples_weight_is_one_on_average_and_a_class_without_samples_has_none(strength: float) -> None:
    weights = ClassWeights(strength).loss_weights(LABELS, 6)
    assert weights is not None
    assert weights[LABELS].mean().item() == pytest.approx(1)
    assert weights[0] < weights[1] < weights[2] < weights[3]
    assert weights[4:].tolist() == [0, 0]
    assert (weights[3] / weights[0]).item() == pytest.approx(40**strength, rel=1e-5)


def test_the_training_loss_is_torchs_weighted_one(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Summed over the batch, and divided by its size: torch itself divides by the batch's weights."""
    seen: list[tuple[float, float]] = []
    step = classifier.ClassifierModule.training_step

    def looked(module: Any, raw: Any, index: int) -> torch.Tensor:
        loss = step(module, raw, index)
        x, y, length = raw
        with torch.no_grad():
            theirs = F.cross_entropy(module(x, length), y, weight=module.loss_weights, reduction="sum") / len(y)
        seen.append((loss.item(), theirs.item()))
        return loss

    monkeypatch.setattr(classifier.ClassifierModule, "training_step", looked)
    train(config("mitigation=class_weights", *SKEWED))
    assert seen
    assert all(ours == pytest.approx(theirs, rel=1e-5) for ours, theirs in seen)


def test_mixed_labels_count_as_mixed_and_what_is_no_samples_loss_is_left_alone(built: Any) -> None:
    parts: Any = torch.nn.Identity(), torch.nn.Identity()
    weights = torch.tensor([1.0, 3.0])
    module = classifier.ClassifierModule(*parts, {}, seed=0, lr=0.1, classes=2, loss_weights=weights)
    losses = torch.tensor([1.0, 2.0])
    assert module._weighted(losses, torch.tensor([0, 1])).tolist() == [1, 6]
    assert module._weighted(losses, torch.tensor([[1.0, 0], [0.5, 0.5]])).tolist() == [1, 4]
    assert module._weighted(torch.tensor(2.0), torch.tensor([0, 1])).item() == 2


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=class_weights", "mitigation.class_weights.strength=0.0", *SKEWED)
    assert not same_as_none("mitigation=class_weights", *SKEWED)


def test_out_of_range_is_refused(built: Any) -> None:
    with pytest.raises(UserError, match=r"class_weights\.strength=2: must be at least 0 and at most 1$"):
        built(ClassWeights, strength=2)
