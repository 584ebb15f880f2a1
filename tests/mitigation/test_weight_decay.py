"""Weight decay: matrices and kernels lose their share a step, apart from the gradient; nothing else does."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from overcast.errors import UserError
from overcast.mitigation.sam import SAM
from overcast.mitigation.weight_decay import WeightDecay
from overcast.model.cnn import CNN
from overcast.model.lstm import LSTM
from overcast.spec import Spec

SPEC = Spec("image", (3, 16, 16), ("a", "b"))


@pytest.mark.parametrize("net", [CNN(SPEC, width=4, norm="batch"), LSTM(SPEC, hidden=8)])
def test_a_step_without_gradient_shrinks_matrices_alone(net: torch.nn.Module) -> None:
    optimizer = WeightDecay(0.2).optimizer(net, torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.0))
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    for weight in net.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    for name, weight in net.named_parameters():
        assert weight.allclose(before[name] * (0.98 if weight.ndim > 1 else 1.0), rtol=1e-6), name
    grouped = [id(weight) for group in optimizer.param_groups for weight in group["params"]]
    assert sorted(grouped) == sorted(map(id, net.parameters()))


def test_works_with_an_optimiser_that_is_wrapped() -> None:
    net = CNN(SPEC, width=4)
    wrapped = SAM(0.05).optimizer(net, net.optimizer(0.1))
    decayed = [g["weight_decay"] for g in WeightDecay(0.2).optimizer(net, wrapped).built.param_groups]  # type: ignore
    assert decayed == [0.0, 0.2]


def test_weights_end_smaller(trained: Any) -> None:
    def length(*overrides: str) -> float:
        trainer, _ = trained("epochs=5", *overrides)
        return sum(w.detach().square().sum().item() for w in trainer.lightning_module.net.parameters()) ** 0.5

    lengths = [length("mitigation=weight_decay", f"mitigation.weight_decay.strength={s}") for s in (0.0, 2.0, 10.0)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[2] < 0.8 * lengths[0]


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=weight_decay", "mitigation.weight_decay.strength=0.0")


def test_out_of_range_is_refused() -> None:
    with pytest.raises(UserError, match=r"mitigation\.weight_decay\.strength=-1"):
        WeightDecay(-1)
