"""The contracts of data sets, networks and mitigations: their examples run, and what does not meet one is told."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest
from torch import Tensor

import overcast.data
import overcast.mitigation
import overcast.model
from overcast.config.options import Option, build_option
from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.model import Network
from overcast.prediction.build import network_size

SPEC = Spec("image", (3, 8, 8), ("a", "b"))


class Flat(Network):
    """Gives its input back, which are no logits."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return x.flatten(1)


@pytest.mark.parametrize("room", [overcast.data, overcast.model, overcast.mitigation])
def test_the_example_to_copy_runs(room: ModuleType) -> None:
    found = doctest.testmod(room)
    assert found.attempted > 1
    assert found.failed == 0


def test_a_class_of_another_kind_is_refused_in_one_line() -> None:
    option = Option("flat", "overcast.core.spec.Spec", {})
    with pytest.raises(UserError, match=r"^model=flat: .*Spec must be a class derived from .*Network$"):
        build_option("model", option, contract=Network)


def test_what_is_no_logits_is_told_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Option, "target_class", lambda option: Flat)
    with pytest.raises(UserError, match=r"^model=flat: forward gives \(1, 192\) for one sample, not logits \(1, 2\)$"):
        network_size(Option("flat", "", {}), (), SPEC)


def test_a_kind_of_data_that_there_is_not_is_told_when_the_class_is_defined() -> None:
    with pytest.raises(TypeError, match=r"Wrong\.kinds has picture: the choices are image, sequence, tokens"):
        type("Wrong", (Network,), {"kinds": ("picture",)})
