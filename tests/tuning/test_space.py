"""A search space is what its file says, a point of it composes, and a slip in it is one message."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import optuna
import pytest

from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.tuning.space import Choice, Range, Space, read_space

TEXT = """
lr: {low: 1e-4, high: 0.1, log: true}
epochs: [1, 2]
model.scale: {low: 0.25, high: 1}
mitigation:
  batch_norm: {}
  dropout: {p: {low: 0.1, high: 0.5}}
"""


def written(folder: Path, text: str) -> Path:
    (folder / "search").mkdir(exist_ok=True)
    (folder / "search" / "mine.yaml").write_text(text)
    return folder


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return read_space(written(tmp_path, TEXT), "mine", "ann")


def test_a_file_says_what_varies(space: Space) -> None:
    assert space.options == {"lr": Range(0.0001, 0.1, True), "epochs": Choice((1, 2)), "model.scale": Range(0.25, 1)}
    assert space.mitigations == {"batch_norm": {}, "dropout": {"p": Range(0.1, 0.5)}}


def test_the_networks_own_file_is_taken_and_else_the_default() -> None:
    assert read_space(ROOT / "conf", "", "cnn").name == "cnn"
    assert read_space(ROOT / "conf", "", "lstm").name == "default"
    assert read_space(ROOT / "conf", "default", "cnn").name == "default"


def test_a_point_as_words(space: Space) -> None:
    off = {
        "lr": 0.0123456,
        "epochs": 2,
        "model.scale": 0.5,
        "mitigation.batch_norm": False,
        "mitigation.dropout": False,
    }
    assert space.words(off) == ["lr=0.01235", "epochs=2", "model.scale=0.5", "mitigation=none"]
    on = off | {"mitigation.dropout": True, "mitigation.dropout.p": 0.25}
    assert space.words(on)[3:] == ["mitigation=[dropout]", "mitigation.dropout.p=0.25"]


def test_drawn_points_lie_inside(space: Space, config: Any) -> None:
    """What is drawn, composed and read back is the same point."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(5):
        params = space.suggest(study.ask())
        composed = config(*(word for word in space.words(params) if not word.startswith("model.")), "model=cnn")
        back = Space("", {k: v for k, v in space.options.items() if k != "model.scale"}, space.mitigations)
        found = back.params_of(composed)
        assert found is not None
        assert found == pytest.approx(
            {name: value for name, value in params.items() if name != "model.scale"}, rel=1e-3
        )


def test_what_lies_outside_is_no_point(space: Space, config: Any) -> None:
    small = Space("", {"lr": Range(0.001, 0.1)}, {"dropout": {"p": Range(0.1, 0.5)}})
    assert small.params_of(config("lr=0.05")) == {"lr": 0.05, "mitigation.dropout": False}
    assert small.params_of(config("lr=0.5")) is None
    assert small.params_of(config("lr=0.05", "mitigation=batch_norm")) is None
    assert small.params_of(config("lr=0.05", "mitigation=dropout", "mitigation.dropout.p=0.9")) is None


def test_what_the_user_sets_is_not_searched(space: Space) -> None:
    left = space.without(["lr=0.1", "mitigation.dropout.p=0.2"])
    assert list(left.options) == ["epochs", "model.scale"]
    assert left.mitigations == {"batch_norm": {}, "dropout": {}}
    assert space.without(["mitigation=none"]).mitigations is None
    assert space.without(["lr=1", "epochs=1", "model.scale=1", "mitigation=none"]).is_empty


def test_examples_have_every_choice_and_end(space: Space) -> None:
    points = space.examples()
    assert {point["epochs"] for point in points} == {1, 2}
    assert {point["lr"] for point in points} == {0.0001, 0.1}
    assert all(point["mitigation.dropout"] for point in points)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is nothing to search in it"),
        ("cnn", "there is nothing to search in it"),
        ("data: [skies]", "data is nothing that a search varies. It may vary lr, batch_size, epochs, model.…"),
        ("seed: [1, 2]", "seed is nothing that a search varies"),
        ("lr: 0.1", "mine.yaml: lr: 0.1: give a list of values, or a range"),
        ("lr: []", "mine.yaml: lr: []: give a list of values, or a range"),
        ("lr: {low: 1, high: 0.1}", "from a lower number to a higher one"),
        ("lr: {low: 0, high: 0.1, log: true}", "above 0 where it is logarithmic"),
        ("lr: {low: a, high: 0.1}", "give a list of values, or a range"),
        ("mitigation: [dropout]", "mitigation: give mitigations with their strengths"),
        ("mitigation: {dropout: {p: 0.5}}", "mine.yaml: mitigation.dropout.p: 0.5: give a list"),
    ],
)
def test_a_slip_is_one_message(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        read_space(written(tmp_path, text), "mine", "ann")


def test_an_unknown_space_lists_the_others(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"search=yours: there is no such search space\. Choices: mine"):
        read_space(written(tmp_path, TEXT), "yours", "ann")
