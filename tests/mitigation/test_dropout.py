"""Dropout: it reaches every network, leaves out its share of units in training, and none when measured."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.mitigation.dropout import Dropout
from overcast.model.ann import ANN
from overcast.model.cnn import CNN
from overcast.model.dnn import DNN
from overcast.model.lstm import LSTM

SPEC = Spec("image", (3, 16, 16), ("a", "b"))


@pytest.mark.parametrize("network", [ANN, CNN, DNN, LSTM])
def test_leaves_out_its_share_of_hidden_units_in_training_only(network: Any) -> None:
    net = network(SPEC, **Dropout(0.3).model_kwargs())
    layers = [module for module in net.modules() if isinstance(module, nn.Dropout)]
    assert layers
    dropped: list[torch.Tensor] = []
    layers[-1].register_forward_hook(lambda _, before, after: dropped.append((after == 0) & (before[0] != 0)))
    x, length = torch.randn(256, 3, 16, 16), torch.full((256,), 16)
    net.train()(x, length)
    net.eval()(x, length)
    assert dropped[0].float().mean() > 0.1  # units that were zero already (ReLU) are not counted
    assert not dropped[1].any()


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=dropout", "mitigation.dropout.p=0.0", "model=dnn")
    assert not same_as_none("mitigation=dropout", "model=dnn")


@pytest.mark.parametrize("p", [-0.1, 1.0])
def test_out_of_range_is_refused(built: Any, p: float) -> None:
    with pytest.raises(UserError, match=rf"mitigation\.dropout\.p={p}: must be at least 0 and below 1$"):
        built(Dropout, p=p)
