"""What a sweep will run: whatever goes together, at epochs of its own where computing is to be equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from overcast.config.run_config import RunConfig
from overcast.config.schema import StudyConfig
from overcast.core.errors import DamagedError, UnreachableError, UserError
from overcast.study.layout import Layout, study_layout
from overcast.study.sweep import equalise, plan_sweep, trained_jobs
from overcast.tracking.study_info import StudyInfo
from overcast.training.plan import make_plan

CELLS = ["mitigation=none", "mitigation=shrink"]


def layout(*points: list[str], cells: Sequence[str] = CELLS) -> Layout:
    return study_layout(StudyConfig(folds=2), points, cells, [], [], {})


@dataclass
class Whole:
    """A run of this identity, as far as a sweep looks at one."""

    identity: str
    role: str = "trial"
    metrics: dict[str, Any] = field(default_factory=lambda: {"test": {}})
    record: dict[str, Any] = field(default_factory=dict)

    def recorded_as(self, name: str) -> Any:
        return SimpleNamespace(id=name, tags={"identity": self.identity, "role": self.role})


def test_what_does_not_go_together_is_left_out(config: Any) -> None:
    sweep = plan_sweep(layout(["model=perceptron"], ["model=ann"]), StudyConfig(), lambda job: config(*job))
    assert sweep.layout.places == [(0, CELLS[0]), (1, CELLS[0]), (1, CELLS[1])]
    assert [cell.place for cell in sweep.cells] == sweep.layout.places
    assert [each.mitigation_name for each in sweep.configs] == ["none", "none", "shrink"]
    assert len({*sweep.identities}) == 3
    ((left_out, why),) = sweep.left_out
    assert (left_out.model.name, left_out.mitigation_name) == ("perceptron", "shrink")
    assert "it has no width" in str(why)


def test_each_cell_is_composed_once_however_many_repeats(config: Any) -> None:
    composed: list[list[str]] = []

    def compose(job: Sequence[str]) -> RunConfig:
        composed.append(list(job))
        return config(*job)  # type: ignore[no-any-return]

    plan_sweep(layout([]), StudyConfig(), compose)
    assert composed == [[cell, "split.fold=0", "seed=0"] for cell in CELLS]


def test_what_the_study_has_trained_is_found_by_the_overrides_of_its_job(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = plan_sweep(layout([]), StudyConfig(), lambda job: config(*job))
    jobs = sweep.layout.jobs
    identities = [make_plan(config(*job)).identity for job in jobs]
    runs = {
        "a": Whole(identities[0]),
        "b": Whole(identities[1], role="tuning"),  # a candidate that was not chosen
        "c": Whole(identities[2], metrics={}),  # not measured yet
        "d": Whole(identities[3]),
    }
    monkeypatch.setattr("overcast.study.sweep.whole", lambda record, _: runs[record.id])
    store: Any = SimpleNamespace(search=lambda *_, **__: [run.recorded_as(name) for name, run in runs.items()])
    assert trained_jobs(sweep, store, StudyInfo("x-1", "x", "", 1, "")) == {
        tuple(jobs[0]): runs["a"],
        tuple(jobs[3]): runs["d"],
    }


def test_where_the_store_does_not_answer_each_job_looks_for_its_own(config: Any) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise UnreachableError("away")

    sweep = plan_sweep(layout([]), StudyConfig(), lambda job: config(*job))
    study, store = StudyInfo("x-1", "x", "", 1, ""), SimpleNamespace(search=away)
    assert trained_jobs(sweep, store, study) == {} == trained_jobs(sweep, None, study)  # type: ignore[arg-type]


def test_runs_whose_repeats_differ_in_more_are_looked_for_by_their_jobs(config: Any) -> None:
    sweep = plan_sweep(layout([]), StudyConfig(), lambda job: config(*job))
    other = replace(sweep, layout=replace(sweep.layout, repeats=["seed=0", "seed=1 lr=0.5"]))
    study, store = StudyInfo("x-1", "x", "", 1, ""), SimpleNamespace(search=None)
    assert trained_jobs(other, store, study) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize("damaged", ["metrics", "record"])
def test_a_run_with_a_damaged_file_is_left_to_its_job(
    config: Any, damaged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which lets the comparison measure it anew."""

    class Damaged(Whole):
        def __getattribute__(self, name: str) -> Any:
            if name == damaged:
                raise DamagedError("changed")
            return super().__getattribute__(name)

    sweep = plan_sweep(layout([]), StudyConfig(), lambda job: config(*job))
    whole, hurt, *_ = sweep.layout.jobs
    runs = {"a": Whole(make_plan(config(*whole)).identity), "b": Damaged(make_plan(config(*hurt)).identity)}
    monkeypatch.setattr("overcast.study.sweep.whole", lambda record, _: runs[record.id])
    store: Any = SimpleNamespace(search=lambda *_, **__: [run.recorded_as(name) for name, run in runs.items()])
    study = StudyInfo("x-1", "x", "", 1, "")
    assert trained_jobs(sweep, store, study) == {tuple(whole): runs["a"]}


@pytest.mark.parametrize(
    ("settings", "cells", "said"),
    [
        ({"folds": 11}, CELLS, "skies is split into 10 folds"),
        ({"design": "leave_one_out"}, [*CELLS, "model=perceptron mitigation=shrink"], "1 of 3 cannot be run"),
        ({"equal": "compute"}, [*CELLS, "epochs=3"], "this study varies them"),
        ({}, ["claim=nothing"], "claim=nothing: there is no such claim"),
    ],
)
def test_a_mistake_in_any_cell_is_refused(config: Any, settings: Any, cells: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        plan_sweep(layout([], cells=cells), StudyConfig(**settings), lambda job: config(*job))


def test_equal_computing_gives_each_cell_epochs_in_every_repeat(config: Any) -> None:
    def compose(job: Sequence[str]) -> RunConfig:
        keys = [word.partition("=")[0] for word in job]
        assert keys.count("epochs") == 1  # without, one that was left out could not be composed
        return config(*job)  # type: ignore[no-any-return]

    tags: dict[str, str] = {}
    asked: list[dict[str, RunConfig]] = []

    def epochs(contexts: list[dict[str, RunConfig]]) -> dict[str, int]:
        asked.extend(contexts)
        return {
            name: 7 if config.mitigation_name == "shrink" else 4 for cells in contexts for name, config in cells.items()
        }

    callback: Any = SimpleNamespace(equalise=epochs, record=SimpleNamespace(tags=tags.update))
    points = [["model=perceptron", "epochs=4"], ["model=ann", "epochs=4"]]
    sweep = plan_sweep(layout(*points), StudyConfig(equal="compute"), compose)
    equal = equalise(sweep, compose, callback)
    assert [[*cells] for cells in asked] == [sweep.identities[:1], sweep.identities[1:]]
    assert [(each.mitigation_name, each.epochs) for each in equal.configs] == [("none", 4), ("none", 4), ("shrink", 7)]
    assert equal.identities != sweep.identities
    assert tags["cells"].split() == [each[:8] for each in equal.identities]
    assert [word for job in equal.layout.jobs for word in job if "epochs" in word] == [
        "epochs=4", "epochs=4", "epochs=7"
    ] * 2  # fmt: skip
