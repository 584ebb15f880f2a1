"""A worker that dies takes no other job with it; blocks of folds go on without what was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from joblib.externals.loky.process_executor import BrokenProcessPool

from overcast.config.schema import StudyConfig
from overcast.core.devices import Machine
from overcast.core.errors import UserError
from overcast.study import launch as launching
from overcast.study.launch import choose_candidates, launch, launch_in_looks
from overcast.study.layout import study_layout
from overcast.study.looks import Looks
from overcast.study.progress import read_states, set_state
from overcast.study.sweep import Cell, Sweep
from overcast.study.tuning import Choice
from overcast.tracking.run_folder import Run
from overcast.tracking.study_info import StudyInfo


class Callback:
    """What a launch asks of a study's."""

    def __init__(self, study: StudyInfo) -> None:
        self.study, self.store = study, "store"
        self.numbers: Sequence[int] = ()
        self.failures: dict[int, str] = {}
        self.ended, self.delivered = 0, 0
        self.chosen: Any = None

    def end_dead_runs(self) -> None:
        self.ended += 1

    def deliver(self) -> None:
        self.delivered += 1

    def chose(self, winners: Any, candidates: Any, results: Any) -> None:
        self.chosen = winners, candidates


class Launcher:
    """Gives back each job's first word; ``deadly`` words kill the workers, two at once, or all before their first."""

    def __init__(self, callback: Callback, deadly: Sequence[str], at_once: int = 2) -> None:
        self.callback, self.deadly, self.at_once = callback, deadly, at_once
        self.launched: list[list[str]] = []

    def launch(self, jobs: list[list[str]], initial_job_idx: int) -> list[Any]:
        words = [word for word, *_ in jobs]
        self.launched.append(words)
        fatal = next((at for at, word in enumerate(words) if word in self.deadly), None)
        for at, number in enumerate(self.callback.numbers):
            if fatal is None or at < fatal:
                set_state(self.callback.study, number, "done")
            elif at < fatal + self.at_once:
                set_state(self.callback.study, number, "running")
        if fatal is not None:
            raise BrokenProcessPool
        return [SimpleNamespace(_return_value=UserError("bad") if word == "bad" else word) for word in words]


@pytest.fixture
def callback(tmp_path: Path) -> Any:
    (tmp_path / "jobs").mkdir()
    return Callback(StudyInfo("x-1", "x", "", 1, str(tmp_path)))


def test_all_jobs_run_and_give_something_back(callback: Any) -> None:
    launcher = Launcher(callback, [])
    assert launch(launcher, callback, [["a"], ["b"]], 4) == ["a", "b"]
    assert read_states(callback.study).keys() == {4, 5}
    assert callback.delivered == 1
    assert callback.failures == {}
    launch(launcher, callback, [["c"], ["bad"]], 6)
    assert callback.failures == {7: "bad"}


def test_what_is_trained_is_given_back_without_a_job(callback: Any, tmp_path: Path) -> None:
    launcher, run = Launcher(callback, []), Run(tmp_path)
    assert launch(launcher, callback, [["a"], ["b"], ["c"]], 4, {("b",): run, ("other",): run}) == ["a", run, "c"]
    assert launcher.launched == [["a", "c"]]
    assert read_states(callback.study).keys() == {4, 6}


def test_where_a_worker_dies_those_under_way_run_again_each_alone(callback: Any) -> None:
    launcher = Launcher(callback, ["bad"])
    assert launch(launcher, callback, [["a"], ["bad"], ["b"], ["c"], ["d"]]) == [None, None, "b", "c", "d"]
    assert launcher.launched == [["a", "bad", "b", "c", "d"], ["c", "d"], ["bad"], ["b"]]
    states = read_states(callback.study)
    assert [number for number, (state, _) in states.items() if state == "failed"] == [1]
    assert "its process was killed" in states[1][1]
    assert callback.ended == 2


def test_workers_that_die_before_their_first_job_are_not_tried_together_again(callback: Any) -> None:
    launcher = Launcher(callback, ["bad"], at_once=0)
    assert launch(launcher, callback, [["bad"], ["a"]]) == [None, "a"]
    assert launcher.launched == [["bad", "a"], ["bad"], ["a"]]


Planned = Callable[..., Sweep]


@pytest.fixture
def planned(config: Any) -> Planned:
    """A sweep of these cells at one point; a cell's identity is its first word's value."""

    def made(settings: StudyConfig, cells: Sequence[str], tuned: Sequence[Sequence[str]] = ()) -> Sweep:
        layout = study_layout(settings, [["lr=0.1"]], cells, [], tuned, {})
        identities = [place.cell.split()[-1 if "role" not in place.cell else -2] for place in layout.places]
        plans: list[Any] = [SimpleNamespace(config=config(), cell=name) for name in identities]
        found = [Cell(place, plan) for place, plan in zip(layout.places, plans, strict=True)]
        return Sweep(layout, found, [], Machine(0, ()))

    return made


def test_a_cell_that_a_look_stopped_is_in_no_later_block(callback: Any, planned: Planned) -> None:
    settings = StudyConfig(folds=6, budget="1h")
    looks = Looks(settings, callback, lambda *_: {"x=2"})
    launched: list[tuple[int, int, set[str]]] = []

    def start(jobs: Sequence[Sequence[str]], first: int) -> None:
        launched.append((first, len(jobs), {job[1] for job in jobs}))

    launch_in_looks(planned(settings, ["x=1", "x=2"]), looks, start)
    assert launched == [(0, 8, {"x=1", "x=2"}), (8, 2, {"x=1"})]


def test_blocks_end_where_nothing_is_left_to_decide(
    callback: Any, planned: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = StudyConfig(folds=6, budget="1h")
    looks = Looks(settings, callback, lambda *_: {"x=1", "x=2"})
    launch_in_looks(planned(settings, ["x=1", "x=2"]), looks, lambda *_: None)
    assert looks.launched == 8
    assert "no need for 6 folds" in capsys.readouterr().out


def test_what_was_chosen_is_told_by_identities(
    callback: Any, planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = [f"mitigation=dropout mitigation.dropout.p={p}" for p in (0.1, 0.5)]
    sweep = planned(StudyConfig(folds=2), ["mitigation=none"], [group])
    asked = []

    def choose(groups: Any, tried: Any) -> list[Choice]:
        asked.append(tried)
        return [Choice(0, 1, f"{group[1]} role=tuning", "p=0.5", 2)]

    monkeypatch.setattr(launching, "choose", choose)
    choose_candidates(sweep, list("abcdef"), callback)
    none, mild, strong = (place.cell for place in sweep.layout.places)
    expected = {(none, 0): "a", (mild, 0): "b", (strong, 0): "c", (none, 1): "d", (mild, 1): "e", (strong, 1): "f"}
    assert asked == [{(0, fold, cell): [letter] for (cell, fold), letter in expected.items()}]
    winners, candidates = callback.chosen
    assert [*winners] == [("mitigation.dropout.p=0.5", 1)]
    assert candidates == {f"mitigation.dropout.p={p}" for p in (0.1, 0.5)}
