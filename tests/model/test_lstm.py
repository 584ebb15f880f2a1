"""The recurrent network: its size by hand, rows of a picture as steps, and padding that changes nothing."""

from __future__ import annotations

import pytest
import torch

from overcast.fit import size
from overcast.model.lstm import LSTM
from overcast.spec import Spec

SEQUENCE = Spec("sequence", (10, 3), tuple("abcd"))
IMAGE = Spec("image", (3, 6, 5), tuple("ab"))


@pytest.mark.parametrize(("spec", "steps", "features", "classes"), [(SEQUENCE, 10, 3, 4), (IMAGE, 6, 15, 2)])
def test_weights_and_multiply_adds_by_hand(spec: Spec, steps: int, features: int, classes: int) -> None:
    config = {"model": {"_target_": "overcast.model.lstm.LSTM", "hidden": 7}, "mitigation": {}}
    found = size(config, spec)
    gates = 4 * (features * 7 + 7 * 7)
    assert found["parameters"] == gates + 2 * 4 * 7 + (7 + 1) * classes
    assert found["multiply_adds"] == steps * gates + 7 * classes


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_padding_is_ignored(norm: str) -> None:
    net = LSTM(SEQUENCE, hidden=7, norm=norm).eval()
    x, length = torch.randn(3, 10, 3), torch.tensor([10, 4, 1])
    other = x.clone()
    other[1, 4:], other[2, 1:] = 9.0, -9.0
    assert net(x, length).equal(net(other, length))
    assert net(x[1:, :4], length[1:]).allclose(net(x, length)[1:], atol=1e-6)
    other[1, 3] = 9.0  # the last true step does count
    assert not net(x, length)[1].equal(net(other, length)[1])


def test_a_pictures_rows_are_its_steps() -> None:
    net = LSTM(IMAGE, hidden=7)
    x, length = torch.randn(2, 3, 6, 5), torch.full((2,), 6)
    rows = x.permute(0, 2, 1, 3).reshape(2, 6, 15)
    assert net(x, length).equal(net(rows, length))
    assert not net(x, length).equal(net(x.flip(2), length))


def test_dropout_acts_in_training_only() -> None:
    net, x, length = LSTM(SEQUENCE, hidden=32, dropout=0.5), torch.randn(2, 10, 3), torch.tensor([10, 10])
    assert not net(x, length).equal(net(x, length))
    net.eval()
    assert net(x, length).equal(net(x, length))
