"""The first layer before and after training, as pictures where its weights make some."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from overcast.core.spec import Spec
from overcast.explain.filters import first_layer_filters, section
from overcast.html.page import Image
from overcast.model import Network
from overcast.model.ann import ANN
from overcast.model.cnn import CNN
from overcast.model.lstm import LSTM

IMAGE = Spec("image", (3, 8, 8), ("a", "b"))
SEQUENCE = Spec("sequence", (6, 4), ("a", "b"))
TOKENS = Spec("tokens", (6,), ("a", "b"), vocabulary=("x", "y"))


@pytest.mark.parametrize(("kind", "shape"), [(CNN, (3, 3, 3)), (ANN, (3, 8, 8))])
def test_weights_are_those_before_and_after(kind: type[Network], shape: tuple[int, ...]) -> None:
    before, after = kind(IMAGE), kind(IMAGE)
    filters = first_layer_filters(before, after, IMAGE)
    assert filters is not None
    assert filters.before.shape[1:] == shape
    assert filters.after == pytest.approx(
        dict(after.named_parameters())[f"{filters.name}.weight"].detach().numpy().reshape(-1, *shape)
    )
    assert first_layer_filters(before, before, IMAGE).change == pytest.approx(np.zeros(len(filters.before)))  # type: ignore[union-attr]


def test_the_change_is_against_the_size_before() -> None:
    before, after = ANN(IMAGE), ANN(IMAGE)
    after.load_state_dict({name: 1.5 * value for name, value in before.state_dict().items()})
    filters = first_layer_filters(before, after, IMAGE)
    assert filters is not None
    assert filters.change == pytest.approx(0.5)
    parts = section(before, after, IMAGE).parts
    assert [part.file for part in parts if isinstance(part, Image)] == ["filters.png"]


def test_filters_of_a_sequence_have_their_features_upwards() -> None:
    class Conv(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv1d(4, 5, 3)

    filters = first_layer_filters(Conv(), Conv(), SEQUENCE)
    assert filters is not None
    assert filters.before.shape == (5, 1, 4, 3)


@pytest.mark.parametrize(("kind", "spec"), [(LSTM, IMAGE), (LSTM, SEQUENCE), (ANN, SEQUENCE), (ANN, TOKENS)])
def test_what_makes_no_pictures_is_left_out_with_a_reason(kind: type[Network], spec: Spec) -> None:
    left_out = section(kind(spec), kind(spec), spec)
    assert left_out.text.startswith("Left out: ")
    assert not left_out.parts
