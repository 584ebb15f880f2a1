"""Convolutions are found in the order they run, with what follows them, in any network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from overcast.core.spec import Spec
from overcast.explain.stages import find_embedding, outputs, stages
from overcast.model.ann import ANN
from overcast.model.cnn import CNN

IMAGE = Spec("image", (3, 16, 16), ("a", "b"))


class Residual(nn.Module):
    """One ReLU used twice, the second time in place after a sum; convolutions run in another order than defined."""

    def __init__(self) -> None:
        super().__init__()
        self.second, self.first = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.norm, self.relu = nn.BatchNorm2d(4), nn.ReLU(inplace=True)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        x = self.relu(self.first(x))
        return self.relu(x + self.norm(self.second(x))).mean((2, 3))


def test_each_ends_with_its_norm_and_activation() -> None:
    x, length = torch.randn(2, 3, 16, 16), torch.full((2,), 16)
    net = CNN(IMAGE, width=4, stages=2, norm="batch").eval()
    convolutions = stages(net, x, length)
    assert [stage.name for stage in convolutions] == ["layers.0.0", "layers.1.0", "layers.3.0"]
    first, _, last = outputs(net, x, length, convolutions)
    torch.testing.assert_close(first, net.layers[0](x))
    torch.testing.assert_close(last, net.layers(x))


def test_layers_used_twice_or_in_place_or_out_of_order() -> None:
    x, length = torch.randn(1, 3, 8, 8), torch.tensor([8])
    net = Residual().eval()
    convolutions = stages(net, x, length)
    assert [stage.name for stage in convolutions] == ["first", "second"]
    first, second = outputs(net, x, length, convolutions)
    assert first.equal(net.first(x).relu())
    assert second.shape == (1, 4, 8, 8)


def test_a_network_without_any() -> None:
    assert stages(ANN(IMAGE), torch.randn(1, 3, 16, 16), torch.tensor([16])) == []


def test_the_layer_of_words() -> None:
    tokens = Spec("tokens", (6,), ("a", "b"), vocabulary=("x",))
    assert isinstance(find_embedding(ANN(tokens)), nn.Embedding)
    assert find_embedding(ANN(IMAGE)) is None


def test_a_network_that_cuts_its_batches_up_or_pads_within_its_convolutions() -> None:
    class Padded(nn.Conv2d):
        def __init__(self) -> None:
            super().__init__(3, 4, 3)
            self.pad = nn.ZeroPad2d(1)

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(self.pad(x))

    class Pieces(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = Padded()

        def forward(self, x: Tensor, length: Tensor) -> Tensor:
            return torch.cat([self.conv(part).mean((2, 3)) for part in x.split(2)])

    net, x, length = Pieces(), torch.randn(5, 3, 8, 8), torch.full((5,), 8)
    convolutions = stages(net, x[:1], length[:1])
    assert [stage.name for stage in convolutions] == ["conv"]
    torch.testing.assert_close(outputs(net, x, length, convolutions)[0], net.conv(x))


def test_a_norm_over_another_shape_does_not_belong_to_the_convolution() -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4)

        def forward(self, x: Tensor, length: Tensor) -> Tensor:
            x = self.conv(x.transpose(1, 2)).transpose(1, 2)  # (B, t, 4)
            return self.norm(x.flatten(0, 1)).view_as(x).mean(1)

    net, x, length = Flat().eval(), torch.randn(3, 7, 2), torch.full((3,), 7)
    convolutions = stages(net, x[:1], length[:1])
    torch.testing.assert_close(outputs(net, x, length, convolutions)[0], net.conv(x.transpose(1, 2)))
