"""The residual network: shapes, that it begins as the plain one, its optimiser, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from overcast.core.errors import IncompatibleError
from overcast.core.spec import Spec
from overcast.model._convolution import Residual
from overcast.model._muon import Muon
from overcast.model.resnet import ResNet
from overcast.prediction.build import build


def spec(*shape: int) -> Spec:
    return Spec("image", shape, tuple("abcd"))


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (3, 45, 64)])
def test_logits_for_pictures_of_every_size(shape: tuple[int, ...], norm: str) -> None:
    net = ResNet(spec(*shape), width=4, norm=norm)
    logits = net(torch.randn(2, *shape), torch.full((2,), shape[1]))
    assert logits.shape == (2, 4)
    logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_blocks_add_nothing_until_they_have_learned() -> None:
    x, length = torch.randn(2, 3, 32, 32), torch.full((2,), 32)
    net = ResNet(spec(3, 32, 32), width=4, blocks=2)
    blocks = [module for module in net.modules() if isinstance(module, Residual)]
    assert len(blocks) == 4 * 2
    first = net(x, length)
    for weights in (weights for block in blocks for weights in block.layers.parameters()):
        nn.init.normal_(weights)
    assert net(x, length).equal(first)
    for block in blocks:
        nn.init.ones_(block.gain)
    assert not net(x, length).allclose(first)


def test_muon_steps_every_convolution_but_the_first_and_adamw_the_rest() -> None:
    net = ResNet(spec(3, 32, 32), width=4, stages=2, norm="batch")
    optimizer = net.optimizer(0.01)
    assert isinstance(optimizer, Muon)
    others, filters = (group["params"] for group in optimizer.param_groups)
    first, *convolutions = [module.weight for module in net.modules() if isinstance(module, nn.Conv2d)]
    assert [id(weight) for weight in filters] == [id(weight) for weight in convolutions]
    assert len(filters) + len(others) == len(list(net.parameters()))
    assert any(weight is first for weight in others)


@pytest.mark.parametrize("mitigation", ["weight_decay", "l1", "max_norm", "cocktail"])
def test_what_pulls_at_the_length_of_weights_is_refused(config: Any, mitigation: str) -> None:
    asked = config("model=resnet", f"mitigation={mitigation}")
    with pytest.raises(IncompatibleError, match="holds the length"):
        build(asked, spec(3, 16, 16))
