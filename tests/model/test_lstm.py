"""The LSTM's size by hand: four gates a unit, a layer and a direction. What it shares with RNN is in test_recurrent."""

from __future__ import annotations

import pytest

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.prediction.build import network_size

SEQUENCE = Spec("sequence", (10, 3), tuple("abcd"))
IMAGE = Spec("image", (3, 6, 5), tuple("ab"))


@pytest.mark.parametrize(("spec", "steps", "features", "classes"), [(SEQUENCE, 10, 3, 4), (IMAGE, 6, 15, 2)])
@pytest.mark.parametrize("sides", [1, 2])
def test_weights_and_multiply_adds_by_hand(spec: Spec, steps: int, features: int, classes: int, sides: int) -> None:
    values = {"hidden": 7, "layers": 2, "bidirectional": sides == 2}
    size = network_size(Option("lstm", "overcast.model.lstm.LSTM", values), (), spec)
    gates = sides * 4 * (features * 7 + 7 * 7) + sides * 4 * (sides * 7 * 7 + 7 * 7)
    assert size["parameters"] == gates + 2 * sides * 2 * 4 * 7 + (sides * 7 + 1) * classes
    assert size["multiply_adds"] == steps * gates + sides * 7 * classes
