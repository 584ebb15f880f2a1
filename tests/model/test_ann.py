"""The one-layer network: its size by hand, its options, and short sequences padded to the spec's length."""

from __future__ import annotations

import pytest
import torch

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.model.ann import ANN
from overcast.prediction.build import network_size

IMAGE = Spec("image", (3, 4, 5), tuple("abcdefg"))
SEQUENCE = Spec("sequence", (6, 2), tuple("abc"))


@pytest.mark.parametrize(("spec", "n_inputs", "classes"), [(IMAGE, 60, 7), (SEQUENCE, 12, 3)])
def test_weights_and_multiply_adds_by_hand(spec: Spec, n_inputs: int, classes: int) -> None:
    option = Option.from_dict({"_target_": "overcast.model.ann.ANN", "hidden": 11})
    size = network_size(option, (), spec)
    assert size["parameters"] == (n_inputs + 1) * 11 + (11 + 1) * classes
    assert size["multiply_adds"] == n_inputs * 11 + 11 * classes


def test_is_a_sigmoid_layer_and_a_linear_one() -> None:
    net, x = ANN(IMAGE, hidden=4), torch.randn(5, 3, 4, 5)
    first, second = (layer for layer in net.layers if isinstance(layer, torch.nn.Linear))
    by_hand = torch.sigmoid(x.flatten(1) @ first.weight.T + first.bias) @ second.weight.T + second.bias
    assert net(x, torch.full((5,), 4)).allclose(by_hand, atol=1e-5)


def test_shorter_sequences_are_as_if_padded_and_longer_ones_cut() -> None:
    net, x = ANN(SEQUENCE), torch.randn(4, 4, 2)
    padded = torch.nn.functional.pad(x, (0, 0, 0, 2))
    length = torch.full((4,), 4)
    assert net(x, length).equal(net(padded, length))
    assert net(torch.cat([padded, padded], 1), length).equal(net(padded, length))


def test_norm_and_scale() -> None:
    plain, wide, normed = ANN(IMAGE), ANN(IMAGE, scale=2.0), ANN(IMAGE, norm="batch")
    assert [net.layers[0].out_features for net in (plain, wide)] == [128, 256]
    assert [sum(isinstance(m, torch.nn.BatchNorm1d) for m in net.modules()) for net in (plain, normed)] == [0, 1]


def test_a_text_is_the_mean_of_its_words_whatever_the_padding() -> None:
    net = ANN(Spec("tokens", (9,), ("a", "b"), vocabulary=tuple("abcdef"))).eval()
    short, padded = torch.tensor([[3, 4]]), torch.tensor([[3, 4, 0, 0, 0]])
    assert torch.allclose(net(short, torch.tensor([2])), net(padded, torch.tensor([2])))
    assert torch.allclose(net(short, torch.tensor([2])), net(short.flip(1), torch.tensor([2])))
