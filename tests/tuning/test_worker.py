"""Trials until the time or the number is up; what was left is begun again; only the best one's folder stays."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from overcast.tracking.study_info import StudyInfo
from overcast.tuning import worker
from overcast.tuning.definition import Search
from overcast.tuning.objective import SAME, OutOfTimeError, trial_folder
from overcast.tuning.space import Choice, Range, Space
from overcast.tuning.storage import OUT_OF_TIME, RETRY_OF, STOOD, open_storage, retry_unfinished
from overcast.tuning.worker import best_trial, drop_outdone, is_over, open_study, spent_seconds, work

START = datetime.datetime(2026, 1, 1)


@pytest.fixture
def search(tmp_path: Path) -> Search:
    folder = tmp_path / "runs" / "searches" / "x-1"
    folder.mkdir(parents=True)
    space = Space("", {"lr": Range(0.001, 0.1, True)})
    return Search("x-1", "x", (), space, (0,), None, 6, "", StudyInfo("x-1", "x", "", 1, str(folder)))


def trial(
    value: float | None, state: TrialState = TrialState.COMPLETE, begin: float = 0, end: float = 1, **attrs: Any
) -> Any:
    found = create_trial(state=state, value=value, user_attrs=attrs)
    found.datetime_start = START + datetime.timedelta(seconds=begin)
    found.datetime_complete = START + datetime.timedelta(seconds=end)
    return found


def test_it_ends_after_so_many_trials_and_goes_on(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def objective(trial: optuna.Trial, search: Search, **_: Any) -> float:
        lr: float = search.space.suggest(trial)["lr"]
        seen.append(lr)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return lr

    monkeypatch.setattr(worker, "objective", objective)
    with pytest.raises(KeyboardInterrupt):
        work(search, 0, open_storage("", search.folder))
    storage = open_storage("", search.folder)
    assert retry_unfinished(open_study(search, 0, storage)) == [2]
    work(search, 0, storage)
    trials = open_study(search, 0, storage).get_trials()
    assert [each.state.name for each in trials] == ["COMPLETE", "COMPLETE", "FAIL", *["COMPLETE"] * 4]
    assert trials[3].params == trials[2].params
    assert trials[3].user_attrs[RETRY_OF] == 2
    assert len(set(seen)) == 6  # one that goes on draws nothing again
    assert retry_unfinished(open_study(search, 0, storage)) == []


def test_the_same_search_comes_out_the_same(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "objective", lambda trial, search, **_: search.space.suggest(trial)["lr"])
    found = []
    for _ in range(2):
        storage = optuna.storages.InMemoryStorage()
        work(search, 0, storage)
        found.append([each.params for each in open_study(search, 0, storage).get_trials()])
    assert found[0] == found[1]


def test_out_of_time_is_begun_again_some_day(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    def objective(trial: optuna.Trial, search: Search, **_: Any) -> float:
        search.space.suggest(trial)
        trial.set_user_attr(OUT_OF_TIME, True)
        raise OutOfTimeError("time")

    monkeypatch.setattr(worker, "objective", objective)
    monkeypatch.setattr(worker, "is_over", lambda search, trials: bool(trials))
    storage = open_storage("", search.folder)
    work(search, 0, storage)
    study = open_study(search, 0, storage)
    assert [each.state.name for each in study.get_trials()] == ["FAIL"]
    assert retry_unfinished(study) == [0]
    assert [each.state.name for each in study.get_trials()] == ["FAIL", "WAITING"]


def test_time_is_what_trials_cover() -> None:
    trials = [trial(1, begin=0, end=10), trial(1, begin=5, end=12), trial(1, begin=100, end=103)]
    killed = trial(None, TrialState.FAIL, begin=20, end=99)
    assert spent_seconds([*trials, killed]) == pytest.approx(15)
    assert spent_seconds(trials, (START + datetime.timedelta(seconds=101)).timestamp()) == pytest.approx(13)
    cut = trial(None, TrialState.FAIL, begin=20, end=30, **{OUT_OF_TIME: True})
    assert spent_seconds([*trials, cut]) == pytest.approx(25)


def test_nothing_new_is_an_end(search: Search) -> None:
    new, same = trial(1.0), trial(1.0, ended=SAME)
    assert is_over(search, [new] * 6)
    assert not is_over(search, [new] * 5 + [same] * 19)
    assert is_over(search, [new] * 5 + [same] * 20)


def test_the_best_is_a_whole_one() -> None:
    """Optuna gives a stopped trial the last figure of its curve as its value."""
    stopped = trial(0.1, TrialState.PRUNED)
    best = trial(0.2)
    assert best_trial([trial(0.3), stopped, best, trial(0.2, ended=SAME)]) is best
    assert best_trial([stopped]) is None


def test_only_what_counts_keeps_its_folder(search: Search) -> None:
    study = open_study(search, 0, optuna.storages.InMemoryStorage())
    for value, attrs in ((0.5, {STOOD: True}), (0.3, {}), (0.2, {}), (0.4, {})):
        study.add_trial(create_trial(value=value, user_attrs=attrs))
    for number in range(5):
        trial_folder(search, 0, number).mkdir(parents=True)
    (trial_folder(search, 0, 1) / "unsent-1.jsonl").write_text("")
    drop_outdone(search, 0, study.get_trials())
    assert [number for number in range(5) if trial_folder(search, 0, number).exists()] == [0, 1, 2, 4]


def test_a_choice_of_three_is_searched_through(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    small = replace(search, space=Space("", {"epochs": Choice((1, 2, 3))}), trials=50)
    trained = []

    def train(search: Search, fold: int, number: int, params: Any, watching: Any) -> int:
        trained.append(params["epochs"])
        return int(params["epochs"])

    monkeypatch.setattr("overcast.tuning.objective.train_trial", train)
    monkeypatch.setattr("overcast.tuning.objective.validation", lambda run: (float(run), 0.5))
    work(small, 0, optuna.storages.InMemoryStorage())
    assert sorted(trained) == [1, 2, 3]
