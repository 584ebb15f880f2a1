"""The convolutional network: shapes for every size of picture, its options, and that it trains bare."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from overcast.model.cnn import CNN, SIDE, stem
from overcast.spec import Spec


def spec(*shape: int, classes: int = 5) -> Spec:
    return Spec("image", shape, tuple(f"class {k}" for k in range(classes)))


def weights(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 16, 16), (3, 45, 64), (3, 64, 64), (3, 256, 256)])
def test_logits_for_pictures_of_every_size(shape: tuple[int, ...], norm: str) -> None:
    net = CNN(spec(*shape, classes=7), width=4, norm=norm)
    logits = net(torch.randn(2, *shape), torch.full((2,), shape[1]))
    assert logits.shape == (2, 7)
    logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("side", [8, 16, 24, 28, 32, 64, 96, 128, 224, 256])
def test_the_first_stage_sees_a_small_picture(side: int) -> None:
    seen = nn.Sequential(*stem(3, 4, side, "none"))(torch.randn(1, 3, side, side)).shape[-1]
    assert min(side, SIDE / 2) <= seen <= SIDE


def test_options_change_the_network() -> None:
    shape = spec(3, 64, 64)
    plain = CNN(shape, width=8)
    assert weights(CNN(shape, width=8, scale=0.5)) < weights(plain) < weights(CNN(shape, width=8, scale=2.0))
    assert weights(CNN(shape, width=8, scale=0.5)) == weights(CNN(shape, width=4))
    assert weights(CNN(shape, width=8, stages=3)) < weights(plain)


def test_batch_norm_follows_every_convolution_only_when_asked() -> None:
    def count(net: nn.Module, kind: type[nn.Module]) -> int:
        return sum(isinstance(m, kind) for m in net.modules())

    shape = spec(3, 64, 64)
    net = CNN(shape, width=4, norm="batch")
    assert count(net, nn.BatchNorm2d) == count(net, nn.Conv2d) > 0
    assert count(CNN(shape, width=4), nn.BatchNorm2d) == 0


def test_dropout_acts_in_training_only() -> None:
    net, x = CNN(spec(3, 16, 16), width=4, dropout=0.5), torch.randn(4, 3, 16, 16)
    assert not net(x).equal(net(x))
    net.eval()
    assert net(x).equal(net(x))


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_learns_where_a_bright_spot_is_small_or_large(norm: str) -> None:
    torch.manual_seed(0)
    y = torch.arange(64) % 2
    x = torch.randn(64, 1, 8, 8) * 0.1
    x[:, 0, 3, 3] += 2  # a dot, and for class 1 a bar
    x[y == 1, 0, 3, 4:7] += 2
    net = CNN(spec(1, 8, 8, classes=2), width=8, stages=2, norm=norm)
    optimizer = net.optimizer(lr=5e-3)
    for _ in range(30):
        optimizer.zero_grad()
        net.loss(net(x), y).mean().backward()
        optimizer.step()
    net.eval()
    assert (net(x).argmax(1) == y).float().mean() > 0.95
