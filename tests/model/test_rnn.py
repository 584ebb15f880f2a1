"""The plain recurrent network: its size and two steps by hand. What it shares with LSTM: test_recurrent."""

from __future__ import annotations

import pytest
import torch

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.model.rnn import RNN
from overcast.prediction.build import network_size

SEQUENCE = Spec("sequence", (10, 3), tuple("abcd"))


@pytest.mark.parametrize("sides", [1, 2])
def test_weights_and_multiply_adds_by_hand(sides: int) -> None:
    values = {"hidden": 7, "bidirectional": sides == 2}
    size = network_size(Option("rnn", "overcast.model.rnn.RNN", values), (), SEQUENCE)
    products = sides * (3 * 7 + 7 * 7)
    assert size["parameters"] == products + sides * 2 * 7 + (sides * 7 + 1) * 4
    assert size["multiply_adds"] == 10 * products + sides * 7 * 4


def test_two_steps_by_hand() -> None:
    net, x = RNN(SEQUENCE, hidden=5), torch.randn(1, 2, 3)
    cell = net.layers[0].cells[0]
    first = torch.tanh(x[0, 0] @ cell.weight_ih_l0.T)
    second = torch.tanh(x[0, 1] @ cell.weight_ih_l0.T + first @ cell.weight_hh_l0.T)
    assert net(x, torch.tensor([2])).allclose(net.head(second)[None], atol=1e-6)
