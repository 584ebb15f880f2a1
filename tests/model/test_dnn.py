"""The deep network: its size by hand for any depth, its regularisers, and short sequences."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.model.dnn import DNN
from overcast.prediction.build import network_size

IMAGE = Spec("image", (1, 6, 6), tuple("abcd"))


@pytest.mark.parametrize("hidden", [(8,), (9, 5), (12, 7, 3, 2)])
def test_weights_and_multiply_adds_by_hand(hidden: tuple[int, ...]) -> None:
    option = Option.from_dict({"_target_": "overcast.model.dnn.DNN", "hidden": list(hidden)})
    widths = (36, *hidden, 4)
    products = [a * b for a, b in pairwise(widths)]
    assert network_size(option, (), IMAGE) == {
        "parameters": sum(products) + sum(widths[1:]),
        "multiply_adds": sum(products),
    }


def test_regularisers_follow_every_hidden_layer_and_are_off_by_default() -> None:
    def count(net: DNN, kind: type) -> int:
        return sum(isinstance(m, kind) for m in net.modules())

    plain, both = DNN(IMAGE, hidden=(8, 8)), DNN(IMAGE, hidden=(8, 8), norm="batch", dropout=0.5)
    assert (count(plain, torch.nn.BatchNorm1d), count(both, torch.nn.BatchNorm1d)) == (0, 2)
    assert [m.p for m in plain.modules() if isinstance(m, torch.nn.Dropout)] == [0.0, 0.0]
    x, length = torch.randn(4, 1, 6, 6), torch.full((4,), 6)
    assert plain(x, length).equal(plain(x, length))
    assert not both(x, length).equal(both(x, length))


def test_shorter_sequences_are_as_if_padded() -> None:
    net = DNN(Spec("sequence", (6, 2), ("a", "b")), hidden=(8,))
    x, length = torch.randn(4, 3, 2), torch.full((4,), 3)
    assert net(x, length).equal(net(torch.nn.functional.pad(x, (0, 0, 0, 3)), length))


def test_scale_shrinks_every_hidden_layer_to_one_unit_at_least() -> None:
    net = DNN(IMAGE, hidden=(10, 4), scale=0.1)
    assert [m.out_features for m in net.layers if isinstance(m, torch.nn.Linear)] == [1, 1, 4]
