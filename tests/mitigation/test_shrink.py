"""Shrink: every network gets narrower by its scale; one is the network as it was."""

from __future__ import annotations

from typing import Any

import pytest

from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.mitigation.shrink import Shrink
from overcast.model.ann import ANN
from overcast.model.cnn import CNN
from overcast.model.dnn import DNN
from overcast.model.lstm import LSTM

SPEC = Spec("image", (3, 16, 16), ("a", "b"))


@pytest.mark.parametrize("network", [ANN, CNN, DNN, LSTM])
def test_narrows_every_layer(network: Any) -> None:
    full, half = network(SPEC), network(SPEC, **Shrink(0.5).model_kwargs())
    weights = [sum(p.numel() for p in net.parameters()) for net in (full, half)]
    assert 0.2 < weights[1] / weights[0] < 0.55
    for wide, narrow in zip(full.parameters(), half.parameters(), strict=True):
        assert narrow.shape[0] in (wide.shape[0] // 2, wide.shape[0])  # the last layer keeps its classes


def test_one_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=shrink", "mitigation.shrink.scale=1.0")


@pytest.mark.parametrize("scale", [0.0, 1.5])
def test_out_of_range_is_refused(built: Any, scale: float) -> None:
    with pytest.raises(UserError, match=rf"mitigation\.shrink\.scale={scale}: must be above 0 and at most 1$"):
        built(Shrink, scale=scale)
