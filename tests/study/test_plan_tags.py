"""What a study writes down: by what it is known again, and by which command. Its tags are tested with its callback."""

from __future__ import annotations

import sys

import pytest

from overcast.config.script import Session
from overcast.study.plan_tags import command, study_id


def test_more_cells_or_repeats_extend_a_study_with_a_name() -> None:
    first = study_id("x", ["a", "b"], ["seed=0"])
    assert first == study_id("x", ["a", "b", "c"], ["seed=0"]) == study_id("x", ["a"], ["seed=0", "seed=1"])
    assert len({first, study_id("x", ["b", "a"], ["seed=0"]), study_id("y", ["a", "b"], ["seed=0"])}) == 3


def test_a_sweep_without_a_name_is_the_same_with_the_same_runs() -> None:
    first = study_id(None, ["a", "b"], ["seed=0"])
    assert first == study_id(None, ["a", "b"], ["seed=0"])
    others = [(["a", "c"], ["seed=0"]), (["a"], ["seed=0"]), (["a", "b"], ["seed=1"])]
    assert len({first, *(study_id(None, *other) for other in others)}) == 4


def test_the_command_is_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/pipelines/train.py", "with", "picks"])
    assert command(Session(["-m", "seed=0,1"])) == "python pipelines/train.py -m seed=0,1"
