"""Batch normalisation: it reaches the network, and only there changes anything."""

from __future__ import annotations

from torch import nn

from overcast.core.spec import Spec
from overcast.mitigation import Mitigation
from overcast.mitigation.batch_norm import BatchNorm
from overcast.model.cnn import CNN


def normed(mitigation: Mitigation) -> int:
    net = CNN(Spec("image", (3, 16, 16), ("a", "b")), width=4, **mitigation.model_kwargs())
    return sum(isinstance(m, nn.BatchNorm2d) for m in net.modules())


def test_puts_normalisation_into_the_network() -> None:
    assert normed(BatchNorm()) > 0
    assert normed(Mitigation()) == 0
