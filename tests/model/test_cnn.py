"""The convolutional network: shapes for every size of picture, its options, that it trains bare; padding over time."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.model.cnn import CNN
from overcast.prediction.build import network_size


def spec(*shape: int, classes: int = 5) -> Spec:
    return Spec("image", shape, tuple(f"class {k}" for k in range(classes)))


def weights(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("head", ["last", "all"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 16, 16), (3, 45, 64), (3, 64, 64), (3, 256, 256)])
def test_logits_for_pictures_of_every_size(shape: tuple[int, ...], norm: str, head: str) -> None:
    net = CNN(spec(*shape, classes=7), width=4, norm=norm, head=head)
    logits = net(torch.randn(2, *shape), torch.full((2,), shape[1]))
    assert logits.shape == (2, 7)
    logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16])
def test_the_stem_shrinks_by_the_stride(stride: int) -> None:
    layers = CNN(spec(3, 64, 64), width=4, stages=1, stem_stride=stride).layers
    assert layers(torch.randn(1, 3, 64, 64)).shape[-1] == 64 / stride


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (3, 64, 64)])
def test_the_head_reads_mean_and_spread_of_each_stage(shape: tuple[int, ...]) -> None:
    net = CNN(spec(*shape), width=4, stages=3, head="all")
    assert net.head.in_features == 2 * (4 + 8 + 16)
    features: list[torch.Tensor] = []
    net.head.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    maps: list[torch.Tensor] = []
    for convolution in [m for m in net.layers if isinstance(m, nn.Sequential)][1:]:  # the stem is no stage
        convolution.register_forward_hook(lambda _, __, output: maps.append(output.flatten(2)))
    net(torch.randn(2, *shape), torch.full((2,), shape[1]))
    expected = [part for each in maps for part in (each.mean(2), each.std(2, correction=0))]
    assert torch.allclose(features[0], torch.cat(expected, 1), atol=0.005)
    assert [each.shape[1] for each in maps] == [4, 8, 16]


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


SEQUENCE = Spec("sequence", (40, 3), ("a", "b"))
TOKENS = Spec("tokens", (40,), ("a", "b"), vocabulary=tuple("abcdef"))


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("true", [1, 2, 5, 16, 23])
def test_a_sample_alone_and_padded_in_a_batch_are_one(true: int, norm: str) -> None:
    net = CNN(SEQUENCE, width=4, norm=norm)
    x, length = torch.randn(3, 40, 3), torch.tensor([40, true, 31])
    net(x, length)  # the running mean of a norm is then not zero
    net.eval()
    for x[1, true:] in (0.0, 9.0):
        together = net(x, length)[1:2]
        assert net(x[1:2, :true], length[1:2]).allclose(together, atol=1e-6)
    x[1, true - 1] += 1  # the last true step does count
    assert not net(x, length)[1:2].allclose(together, atol=1e-6)


@pytest.mark.parametrize("stages", [1, 3])
def test_a_text_alone_and_padded_in_a_batch_are_one(stages: int) -> None:
    net = CNN(TOKENS, width=4, stages=stages).eval()
    x, length = torch.tensor([[3, 4, 2, 0, 0, 0, 0], [3, 4, 2, 5, 6, 1, 2]]), torch.tensor([3, 7])
    assert net(x[:1, :3], length[:1]).allclose(net(x, length)[:1], atol=1e-6)
    assert not net(x[:1, [1, 0, 2]], length[:1]).allclose(net(x, length)[:1], atol=1e-4)  # their order counts


def test_one_stage_over_time_by_hand() -> None:
    net = CNN(SEQUENCE, width=5, stages=1)
    x, length = torch.randn(1, 7, 3), torch.tensor([7])
    layer = net.layers.convolutions[0]
    padded = nn.functional.pad(x[0], (0, 0, 1, 1))
    features = torch.stack([(layer.weight * padded[t : t + 3].T).sum((1, 2)) + layer.bias for t in range(7)]).relu()
    assert net(x, length).allclose(net.head(torch.cat([features.mean(0), features.amax(0)]))[None], atol=1e-5)


def test_multiply_adds_over_time_by_hand() -> None:
    option = Option.from_dict({"_target_": "overcast.model.cnn.CNN", "width": 4, "stages": 2})
    size = network_size(option, (), SEQUENCE)
    assert size["multiply_adds"] == 40 * 3 * 3 * 4 + 20 * 3 * 4 * 8 + 16 * 2
    assert size["parameters"] == 3 * 3 * 4 + 4 + 3 * 4 * 8 + 8 + 16 * 2 + 2


SPECTROGRAM = Spec("spectrogram", (40, 12), ("a", "b"))


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("true", [1, 5, 23])
def test_a_spectrogram_alone_and_padded_in_a_batch_are_one(true: int, norm: str) -> None:
    net = CNN(SPECTROGRAM, width=4, norm=norm)
    assert sum(isinstance(m, nn.Conv2d) for m in net.modules()) == 4
    x, length = torch.randn(3, 40, 12), torch.tensor([40, true, 31])
    net(x, length)
    net.eval()
    for x[1, true:] in (0.0, 9.0):
        assert net(x[1:2, :true], length[1:2]).allclose(net(x, length)[1:2], atol=1e-5)


def test_where_in_the_spectrum_a_sound_is_counts_and_when_does_not() -> None:
    net = CNN(SPECTROGRAM, width=4, stages=2).eval()
    x, length = torch.zeros(1, 40, 12), torch.tensor([40])
    x[0, 10:12, 3] = 1.0
    assert net(x.roll(8, 1), length).allclose(net(x, length), atol=1e-6)
    assert not net(x.roll(4, 2), length).allclose(net(x, length), atol=1e-4)
