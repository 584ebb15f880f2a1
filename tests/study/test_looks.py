"""Blocks of folds in turn, as long as there is something to decide and time for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from overcast.config.schema import StudyConfig
from overcast.core.errors import UserError
from overcast.study.layout import study_repeats
from overcast.study.looks import Looks

STUDY: Any = SimpleNamespace(store="store", study=SimpleNamespace(id="x-1"))


def test_each_block_has_all_seeds_of_its_folds() -> None:
    looks = Looks(StudyConfig(folds=6, seeds=2, budget="1h"), STUDY, lambda *_: set())
    repeats = study_repeats([], 6, 2)
    blocks = dict(looks.blocks(repeats))
    assert list(blocks) == [4, 6]
    assert sorted(blocks[4] + blocks[6]) == sorted(repeats)
    assert {repeat.split()[0] for repeat in blocks[6]} == {"split.fold=4", "split.fold=5"}


def test_what_a_look_stops_stays_stopped_and_is_asked_of_the_study() -> None:
    answers = iter([{"a"}, {"a", "b"}])
    asked: list[tuple[Any, str, int]] = []

    def look_at(store: Any, study: str, folds: int) -> set[str]:
        asked.append((store, study, folds))
        return next(answers)

    looks = Looks(StudyConfig(folds=6, budget="1h"), STUDY, look_at)
    looks.look(8, 4)
    looks.look(4, 6)
    assert looks.stopped == {"a", "b"}
    assert looks.launched == 12
    assert asked == [("store", "x-1", 4), ("store", "x-1", 6)]


def test_a_budget_ends_before_a_block_that_would_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    looks = Looks(StudyConfig(folds=6, budget="100s"), STUDY, lambda *_: set())
    assert looks.allows(8, 4)
    looks.launched, looks.began = 8, looks.began - 80  # ten seconds a job
    assert looks.allows(1, 6)
    assert not looks.allows(8, 6)
    assert "the budget of 100s ends before 6 folds" in capsys.readouterr().out
    looks.began -= 60
    assert not looks.allows(1, 6)
    assert "the budget of 100s is over: this look was after about 2 minutes" in capsys.readouterr().out
    assert not looks.allows(0, 6)
    assert "no need for 6 folds" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30min", 1800), ("1.5h", 5400), (None, None)])
def test_a_budget_has_a_unit(text: str | None, seconds: float | None) -> None:
    assert StudyConfig(budget=text).budget_seconds == seconds


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match=r"study\.budget=30: give a time with its unit, such as 90s, 30min, 2h or 7d"):
        StudyConfig(budget="30")
    with pytest.raises(UserError, match=r"study\.budget=1h stops single cells between folds"):
        StudyConfig(folds=10, design="factorial", mitigations=("dropout", "noise"), budget="1h")
