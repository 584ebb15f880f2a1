"""Recurrent layers as ONNX's own operators, which read any number of steps.

torch's exporters write a recurrent layer out step by step, and so fix how many there are to be.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from overcast.core.errors import UserError

CELLS = {nn.LSTM: "LSTM", nn.RNN: "RNN"}


class OnnxRecurrent(nn.Module):
    """One layer and direction of an LSTM, or of an RNN of tanh units, with the weights that it has.

    For export alone: run by torch, it gives zeros. Raises: UserError for any other layer.
    """

    weights: Tensor
    recurrent: Tensor
    bias: Tensor

    def __init__(self, cell: nn.RNNBase, opset: int) -> None:
        super().__init__()
        plain = (cell.num_layers, cell.bidirectional, cell.batch_first, cell.bias, cell.proj_size) == (
            1,
            False,
            True,
            True,
            0,
        )
        if type(cell) not in CELLS or not plain or getattr(cell, "nonlinearity", "tanh") != "tanh":
            raise UserError(
                f"the network has {cell}, which is not exported: only nn.LSTM and nn.RNN of one layer and direction, "
                "with batch_first and bias, are"
            )
        self.operator, self.hidden, self.opset = CELLS[type(cell)], cell.hidden_size, opset
        input_weights, recurrent, *biases = (self._ordered(each) for each in cell.parameters())
        self.register_buffer("weights", input_weights[None])  # (1, gates · hidden, features)
        self.register_buffer("recurrent", recurrent[None])
        self.register_buffer("bias", torch.cat(biases)[None])

    def _ordered(self, weights: Tensor) -> Tensor:
        """torch has the gates of an LSTM as input, forget, cell, output; ONNX as input, output, forget, cell."""
        if self.operator == "RNN":
            return weights.detach()
        gate_in, forget, cell, out = weights.detach().chunk(4)
        return torch.cat([gate_in, out, forget, cell])

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """The states (B, T, hidden) of steps (B, T, F)."""
        batch, steps, _ = x.shape
        states = torch.onnx.ops.symbolic(
            self.operator,
            (x.transpose(0, 1), self.weights, self.recurrent, self.bias),
            attrs={"hidden_size": self.hidden},
            dtype=torch.float32,
            shape=(steps, 1, batch, self.hidden),
            version=self.opset,
        )
        return states.squeeze(1).transpose(0, 1), None


def with_onnx_operators(net: nn.Module, opset: int) -> nn.Module:
    """The same network, its recurrent layers replaced. Raises: UserError as `OnnxRecurrent` does."""
    for name, module in list(net.named_modules()):
        if isinstance(module, nn.RNNBase):
            net.set_submodule(name, OnnxRecurrent(module, opset))
    return net
