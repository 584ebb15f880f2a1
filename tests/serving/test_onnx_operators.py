"""Only what ONNX's operators can stand for is replaced; what they compute is tested with the export."""

from __future__ import annotations

import pytest
from torch import nn

from overcast.core.errors import UserError
from overcast.serving.onnx_operators import OnnxRecurrent, with_onnx_operators


@pytest.mark.parametrize(
    "cell",
    [
        nn.GRU(3, 4, batch_first=True),
        nn.LSTM(3, 4),
        nn.LSTM(3, 4, num_layers=2, batch_first=True),
        nn.LSTM(3, 4, bidirectional=True, batch_first=True),
        nn.LSTM(3, 4, bias=False, batch_first=True),
        nn.RNN(3, 4, nonlinearity="relu", batch_first=True),
    ],
    ids=str,
)
def test_other_layers_are_refused(cell: nn.RNNBase) -> None:
    with pytest.raises(UserError, match="which is not exported"):
        with_onnx_operators(nn.Sequential(cell), 20)


def test_all_of_a_network_are_replaced() -> None:
    net = nn.Sequential(
        nn.Linear(3, 3), nn.ModuleList([nn.LSTM(3, 4, batch_first=True), nn.RNN(3, 4, batch_first=True)])
    )
    replaced = [module for module in with_onnx_operators(net, 20).modules() if isinstance(module, OnnxRecurrent)]
    assert [module.operator for module in replaced] == ["LSTM", "RNN"]
    assert not [module for module in net.modules() if isinstance(module, nn.RNNBase)]
