"""The contracts of data sets, networks and mitigations: their examples run, and what does not meet one is told."""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from torch import Tensor

import overcast.data
import overcast.mitigation
import overcast.model
from overcast.config import options
from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.data import DataSet, build_dataset
from overcast.data._windows import WindowedDataSet
from overcast.data.digits import Digits
from overcast.mitigation import Mitigation
from overcast.model import Network
from overcast.prediction.build import build_mitigations, build_network, network_size

SPEC = Spec("image", (3, 8, 8), ("a", "b"))


class Flat(Network):
    """Gives its input back, which are no logits."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return x.flatten(1)


class Mute(Network):
    """A network without forward."""


class Painted(Flat):
    kinds = ("picture",)  # type: ignore


class Noisy(Mitigation):
    kinds = ("image", "sound")  # type: ignore


class Sounds(Digits):
    kind = "sound"  # type: ignore


class Empty(DataSet):
    """A data set without any method."""


class Stepless(WindowedDataSet):
    """Windows of no steps."""

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        pass

    def read(self, path: Path) -> np.ndarray:
        return np.zeros((3, 1), np.float32)


BASES = {
    "data": "overcast.data.DataSet",
    "model": "overcast.model.Network",
    "mitigation": "overcast.mitigation.Mitigation",
}


def build(group: str, target: str) -> None:
    """The option ``x`` of a group, as a run builds it."""
    option = Option("x", target, {})
    if group == "data":
        build_dataset(option)
    elif group == "model":
        build_network(option, SPEC, {})
    else:
        build_mitigations([option], SPEC.kind)


@pytest.mark.parametrize("room", [overcast.data, overcast.model, overcast.mitigation])
def test_the_example_to_copy_runs(room: ModuleType) -> None:
    found = doctest.testmod(room)
    assert found.attempted > 1
    assert found.failed == 0


@pytest.mark.parametrize("group", BASES)
def test_a_class_of_another_kind_is_refused_in_one_line(group: str) -> None:
    for other in (f"overcast.{group}.ClassVar", f"overcast.{group}.Kind"):
        with pytest.raises(UserError) as raised:
            build(group, other)
        assert str(raised.value) == f"{group}=x: {other} must be a class derived from {BASES[group]}"


@pytest.mark.parametrize("group", BASES)
def test_what_is_not_there_is_told_with_the_file_to_look_into(
    group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    option_file = f"see _target_ in conf/{group}/*.yaml"
    with pytest.raises(UserError) as raised:
        build(group, f"overcast.{group}.nowhere.X")
    assert str(raised.value).startswith(f"{group}=x: overcast.{group}.nowhere.X cannot be imported (No module")
    assert str(raised.value).endswith(option_file)
    with pytest.raises(
        UserError, match=rf"^{group}=x: .*/{group}/__init__\.py has no class X: {re.escape(option_file)}$"
    ):
        build(group, f"overcast.{group}.X")
    with pytest.raises(UserError, match=rf"^{group}=x: X must be a class with its module: {re.escape(option_file)}$"):
        build(group, "X")
    (tmp_path / "needs_more.py").write_text("import a_package_that_there_is_not\n", "utf8")
    (tmp_path / "conf" / group).mkdir(parents=True)
    (tmp_path / "conf" / group / "own.yaml").write_text("_target_: needs_more.X\n", "utf8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(options, "ROOT", tmp_path)
    with pytest.raises(UserError, match=rf"^{group}=x: .*'a_package_that_there_is_not'.*look into needs_more\.py$"):
        build(group, "needs_more.X")


@pytest.mark.parametrize(
    ("group", "name", "methods"),
    [("model", "Mute", "forward"), ("data", "Stepless", "steps"), ("data", "Empty", "fetch, read, samples")],
)
def test_what_a_class_lacks_is_told_before_it_is_used(group: str, name: str, methods: str) -> None:
    with pytest.raises(UserError) as raised:
        build(group, f"{__name__}.{name}")
    assert str(raised.value) == f"{group}=x: {__name__}.{name} lacks {methods}"


@pytest.mark.parametrize(
    ("group", "name", "unknown"),
    [("data", "Sounds.kind", "sound"), ("model", "Painted.kinds", "picture"), ("mitigation", "Noisy.kinds", "sound")],
)
def test_a_kind_of_data_that_there_is_not_is_told(group: str, name: str, unknown: str) -> None:
    with pytest.raises(UserError) as raised:
        build(group, f"{__name__}.{name.split('.')[0]}")
    said = f"{group}=x: {__name__}.{name} has {unknown}: the choices are image, sequence, spectrogram, tokens"
    assert str(raised.value) == said


def test_what_is_no_logits_is_told_before_training() -> None:
    with pytest.raises(UserError, match=r"^model=flat: forward gives \(1, 192\) for one sample, not logits \(1, 2\)$"):
        network_size(Option("flat", f"{__name__}.Flat", {}), (), SPEC)
