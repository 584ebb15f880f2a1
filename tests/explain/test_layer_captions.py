"""Layers are called by what they are, in the order that they run."""

from __future__ import annotations

import torch
from torch import nn

from overcast.core.spec import Spec
from overcast.core.words import use_language
from overcast.explain.layer_captions import capitalised, layer_captions
from overcast.explain.stages import stages
from overcast.model.ann import ANN
from overcast.model.cnn import CNN


def test_every_kind_is_counted_by_itself() -> None:
    layers = [
        nn.Embedding(3, 2), nn.Conv1d(2, 2, 1), nn.MaxPool1d(2), nn.Conv2d(2, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.LSTM(2, 2), nn.RNN(2, 2), nn.Linear(2, 2), nn.Linear(2, 2),
    ]  # fmt: skip
    assert list(layer_captions(layers).values()) == [
        "word vectors 1", "convolution 1", "pooling 1", "convolution 2", "pooling 2", "LSTM layer 1",
        "recurrent layer 1", "hidden layer 1", "output layer",
    ]  # fmt: skip
    with use_language("ko"):
        assert layer_captions(layers)[layers[3]] == "합성곱 2"
    assert capitalised("LSTM layer 1") == "LSTM layer 1"
    assert capitalised("pooling 1") == "Pooling 1"


def test_stages_have_captions_instead_of_names() -> None:
    spec, x, length = Spec("image", (3, 16, 16), ("a", "b")), torch.randn(1, 3, 16, 16), torch.tensor([16])
    found = stages(CNN(spec, width=4, stages=2).eval(), x, length)
    assert [stage.caption for stage in found] == [f"convolution {n}" for n in range(1, len(found) + 1)]
    hidden = stages(ANN(spec).eval(), x, length, (nn.Linear,))
    assert [stage.caption for stage in hidden] == ["hidden layer 1", "output layer"]
