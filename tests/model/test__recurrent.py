"""What RNN and LSTM share, against torch's packed sequences: padding that changes nothing; pooling; first weights."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from overcast.core.errors import IncompatibleError
from overcast.core.spec import Spec
from overcast.model._recurrent import Recurrent, reverse_steps
from overcast.model.lstm import LSTM
from overcast.model.rnn import RNN

SEQUENCE = Spec("sequence", (10, 3), tuple("abcd"))
IMAGE = Spec("image", (3, 6, 5), tuple("ab"))
TOKENS = Spec("tokens", (9,), ("a", "b"), vocabulary=tuple("abcdef"))
NETS = (LSTM, RNN)
SHAPES = [{"bidirectional": b, "pool": p, "layers": n} for b, p, n in product((False, True), ("last", "mean"), (1, 2))]


def states(net: Recurrent, x: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """The states (B, T, F) that torch finds with the same weights on packed sequences."""
    sides, width = net.sides, net.layers[0].cells[0].hidden_size
    twin = net.cell(x.shape[2], width, len(net.layers), batch_first=True, bidirectional=sides == 2)
    for layer, cells in enumerate(net.layers):
        for cell, side in zip(cells.cells, ("", "_reverse"), strict=False):
            for name, value in cell.named_parameters():
                getattr(twin, name.replace("_l0", f"_l{layer}{side}")).data.copy_(value)
    packed = pack_padded_sequence(x, length, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(twin(packed)[0], batch_first=True)[0]


@pytest.mark.parametrize("cls", NETS)
@pytest.mark.parametrize("shape", SHAPES)
def test_states_are_torchs_on_packed_sequences(cls: type[Recurrent], shape: dict[str, Any]) -> None:
    net = cls(SEQUENCE, hidden=7, **shape).eval()
    x, length = torch.randn(3, 10, 3), torch.tensor([10, 4, 1])
    expected = states(net, x, length)
    if shape["pool"] == "mean":
        pooled = torch.stack([row[:n].mean(0) for row, n in zip(expected, length, strict=True)])
    else:
        pooled = torch.stack([row[n - 1, :7] for row, n in zip(expected, length, strict=True)])
        if shape["bidirectional"]:
            pooled = torch.cat([pooled, expected[:, 0, 7:]], 1)
    assert net(x, length).allclose(net.head(pooled), atol=1e-6)


@pytest.mark.parametrize("cls", NETS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_padding_is_ignored(cls: type[Recurrent], shape: dict[str, Any], norm: Any) -> None:
    net = cls(SEQUENCE, hidden=7, norm=norm, **shape).eval()
    x, length = torch.randn(3, 10, 3), torch.tensor([10, 4, 1])
    other = x.clone()
    other[1, 4:], other[2, 1:] = 9.0, -9.0
    assert net(x, length).equal(net(other, length))
    assert net(x[1:2, :4], length[1:2]).allclose(net(x, length)[1:2], atol=1e-6)  # alone
    other[1, 3] = 9.0  # the last true step does count
    assert not net(x, length)[1].equal(net(other, length)[1])


@pytest.mark.parametrize("cls", NETS)
def test_a_text_is_its_words_in_order(cls: type[Recurrent]) -> None:
    net = cls(TOKENS, hidden=7, embedding=5, bidirectional=True).eval()
    x, length = torch.tensor([[3, 4, 2, 0, 0]]), torch.tensor([3])
    assert net(x, length).allclose(net(x[:, :3], length), atol=1e-6)
    assert not net(x, length).allclose(net(torch.tensor([[4, 3, 2]]), length), atol=1e-4)


@pytest.mark.parametrize("cls", NETS)
def test_a_pictures_rows_are_its_steps(cls: type[Recurrent]) -> None:
    net = cls(IMAGE, hidden=7)
    x, length = torch.randn(2, 3, 6, 5), torch.full((2,), 6)
    rows = cls(Spec("sequence", (6, 15), tuple("ab")), hidden=7)
    rows.load_state_dict(net.state_dict())
    assert net(x, length).equal(rows(x.permute(0, 2, 1, 3).reshape(2, 6, 15), length))
    assert not net(x, length).equal(net(x.flip(2), length))


def test_turned_turns_the_true_steps_only() -> None:
    x = torch.tensor([[1.0, 2, 3, 4], [5, 6, 0, 0]])[..., None]
    length = torch.tensor([4, 2])
    assert reverse_steps(x, length)[..., 0].tolist() == [[4, 3, 2, 1], [6, 5, 0, 0]]
    assert reverse_steps(reverse_steps(x, length), length).equal(x)


def test_first_weights_carry_signals_far() -> None:
    cell = LSTM(SEQUENCE, hidden=6).layers[0].cells[0]
    for gate in cell.weight_hh_l0.split(6):
        assert (gate @ gate.T).allclose(torch.eye(6), atol=1e-5)
    bias = (cell.bias_ih_l0 + cell.bias_hh_l0).view(4, 6)
    keeps = bias[1].sigmoid()  # of what is remembered, at each step
    assert (1 / (1 - keeps)).allclose(torch.linspace(2, 10, 6))  # for 1 + 1 to 9 + 1 steps
    assert bias[0].equal(-bias[1])
    assert not bias[2:].any()
    assert not any(p.any() for n, p in RNN(SEQUENCE).layers[0].cells[0].named_parameters() if "bias" in n)


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_acts_between_layers_and_before_the_head_in_training_only(layers: int) -> None:
    net = LSTM(SEQUENCE, hidden=32, layers=layers, dropout=0.5)
    x, length = torch.randn(2, 10, 3), torch.tensor([10, 10])
    calls = []
    net.dropout.register_forward_hook(lambda *_: calls.append(1))
    assert not net(x, length).equal(net(x, length))
    assert len(calls) == 2 * layers
    net.eval()
    assert net(x, length).equal(net(x, length))


def test_scale_and_norm() -> None:
    net = LSTM(SEQUENCE, hidden=10, scale=0.5, norm="batch", bidirectional=True)
    assert net.head.in_features == 2 * 5
    assert sum(isinstance(m, nn.BatchNorm1d) for m in net.modules()) == 1


SPECTROGRAM = Spec("spectrogram", (24, 8), tuple("ab"))


@pytest.mark.parametrize("cls", NETS)
@pytest.mark.parametrize("pool", ["last", "mean"])
def test_convolutions_before_the_cells_see_no_padding(cls: type[Recurrent], pool: Any) -> None:
    net = cls(SPECTROGRAM, hidden=7, convolutions=2, scale=0.1, pool=pool).eval()
    x, length = torch.randn(3, 24, 8), torch.tensor([24, 9, 1])
    x[1, 9:] = 7.0
    assert net(x[1:2, :9], length[1:2]).allclose(net(x, length)[1:2], atol=1e-6)
    assert sum(isinstance(m, nn.Conv2d) for m in net.modules()) == 2


@pytest.mark.parametrize("spec", [SEQUENCE, IMAGE, TOKENS])
def test_convolutions_are_for_spectrograms(spec: Spec) -> None:
    with pytest.raises(IncompatibleError, match=rf"^model.convolutions=2 .* of kind {spec.kind}: set 0$"):
        LSTM(spec, convolutions=2)


@pytest.mark.parametrize("cls", NETS)
def test_the_last_patch_of_a_picture_counts(cls: type[Recurrent]) -> None:
    net = cls(IMAGE, hidden=4, patch=2, bidirectional=False, pool="last").eval()
    x, length = torch.randn(2, 3, 6, 5), torch.full((2,), 6)
    first = net(x, length)
    x[:, :, 5, 4] += 1
    assert not net(x, length).allclose(first)


@pytest.mark.parametrize("spec", [SEQUENCE, SPECTROGRAM, TOKENS])
def test_patches_are_for_pictures(spec: Spec) -> None:
    with pytest.raises(IncompatibleError, match=rf"^model.patch=2 cuts pictures; .* kind {spec.kind}: set model.patch"):
        LSTM(spec, patch=2)
