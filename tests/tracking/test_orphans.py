"""Only dead runs are ended: never one that may live, be it on another machine, in a container or of another user."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from overcast.core.locks import try_lock
from overcast.core.paths import HOME
from overcast.core.process import ProcessId, this_process
from overcast.tracking import orphans
from overcast.tracking.heartbeat import ENDED_BECAUSE, HEARTBEAT, STILL
from overcast.tracking.orphans import NOTES, Look, end_trials, mark_orphaned_runs, standing_still
from overcast.tracking.store import TrackingStore, open_store

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

OTHER = {"host": "other", "machine": "other", "boot": "other"}
CONTAINER = {"namespace": "pid:[4026532000]"}
GONE = {"started": 1}


@pytest.fixture
def store(tracking: Any, home: Path, request: pytest.FixtureRequest) -> TrackingStore:
    """An experiment of the test's own."""
    found = open_store(replace(tracking, experiment=request.node.name))
    assert found is not None
    return found


@pytest.fixture
def running(store: TrackingStore) -> Callable[..., str]:
    """A run that a process like this one, but for what is given, records."""

    def make(process: dict[str, Any], **tags: str) -> str:
        recorder = replace(this_process(), **process)
        return store.create("x", {"process": str(recorder), "folder": "runs/a", "role": "trial", **tags}).id

    return make


def reason(store: TrackingStore, run_id: str) -> str:
    return str(store.client.get_run(run_id).data.tags.get(ENDED_BECAUSE, ""))


def test_a_run_says_which_process_records_it(store: TrackingStore) -> None:
    tags = store.client.get_run(store.create("x", {}).id).data.tags
    assert ProcessId.parse(tags["process"]) == this_process()


def test_the_dead_are_ended_and_say_why_and_the_living_are_not(
    store: TrackingStore, running: Callable[..., str]
) -> None:
    dead = running(GONE)
    living = [running(process) for process in ({}, OTHER, CONTAINER)]
    foreign = store.client.create_run(store.experiment).info.run_id  # recorded by something else
    mark_orphaned_runs(store)
    assert store.status(dead) == "KILLED"
    assert reason(store, dead) == f"its process ({os.getpid()} on {this_process().host}) is gone"
    assert {store.status(run_id) for run_id in [*living, foreign]} == {"RUNNING"}


def test_a_folder_that_cannot_be_seen_says_nothing(store: TrackingStore, running: Callable[..., str]) -> None:
    """Another user's, or one that is not there from here: that was once taken for a free lock."""
    for folder in ("runs/none", "/gone", "/proc/1/fd/x"):
        assert store.status(running({}, folder=folder)) == "RUNNING"
    mark_orphaned_runs(store)
    assert len(store.search(status="RUNNING")) == 3


def test_a_locked_folder_is_at_work_in_whichever_clone(
    store: TrackingStore, running: Callable[..., str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as ranks that outlive the process that recorded the run by a moment."""
    (home / "one" / "runs" / "a").mkdir(parents=True)
    monkeypatch.setenv(HOME, str(home / "one"))
    run_id = running(GONE)
    monkeypatch.setenv(HOME, str(home))
    with try_lock(home / "one" / "runs" / "a"):
        mark_orphaned_runs(store)
        assert store.status(run_id) == "RUNNING"
    mark_orphaned_runs(store)
    assert store.status(run_id) == "KILLED"


@pytest.mark.parametrize("process", [OTHER, CONTAINER])
def test_a_run_that_cannot_be_seen_is_ended_when_its_heartbeat_stands_still(
    process: dict[str, str],
    store: TrackingStore,
    running: Callable[..., str],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(orphans.time, "monotonic", lambda: now)
    still, beating = running(process), running(process)
    for seconds in (0, STILL - 1):
        now = 1000 + seconds
        store.client.set_tag(beating, HEARTBEAT, str(seconds))
        mark_orphaned_runs(store)
        assert {store.status(still), store.status(beating)} == {"RUNNING"}
    monkeypatch.setattr(time, "time", lambda: 4e9)  # a clock that is set says nothing
    mark_orphaned_runs(store)
    assert store.status(still) == "RUNNING"
    monkeypatch.undo()
    monkeypatch.setenv(HOME, str(home))
    monkeypatch.setattr(orphans.time, "monotonic", lambda: 1000 + STILL)
    mark_orphaned_runs(store)
    assert (store.status(still), store.status(beating)) == ("KILLED", "RUNNING")
    assert reason(store, still) == f"no heartbeat for 10 minutes, as {this_process().host} saw it"


def test_notes_of_another_boot_or_damaged_ones_are_not_believed(
    store: TrackingStore, running: Callable[..., str], home: Path
) -> None:
    run_id = running(OTHER)
    for text in (json.dumps({"clock": "x", "runs": {run_id: ["", -1e9]}}), "", "[]", '{"clock": "x"}', "{"):
        (home / NOTES).write_text(text)
        mark_orphaned_runs(store)
        assert store.status(run_id) == "RUNNING"
    store.client.set_terminated(run_id)
    mark_orphaned_runs(store)
    assert run_id in (home / NOTES).read_text()  # until it is forgotten: it may be another store's


def test_standing_still_counts_from_the_last_beat_that_was_seen() -> None:
    still, looks = standing_still({}, {"a": "1"}, 50.0)
    assert (still, looks) == ([], {"a": Look("1", 50.0)})
    assert standing_still(looks, {"a": "1"}, 49 + STILL) == ([], looks)
    assert standing_still(looks, {"a": "1"}, 50 + STILL) == (["a"], {})
    assert standing_still(looks, {"a": "2"}, 50 + STILL) == ([], {"a": Look("2", 50 + STILL)})
    assert standing_still(looks, {"a": "1"}, 20.0) == ([], {"a": Look("1", 20.0)})  # a clock that went back
    assert standing_still(looks, {}, 60.0) == ([], looks)
    assert standing_still(looks, {}, 1e6) == ([], {})


def test_a_study_ends_the_trials_of_its_own_workers_and_not_those_of_others(
    store: TrackingStore, running: Callable[..., str]
) -> None:
    own, dead = running({}, study="s"), running(GONE, study="s", project="/another/clone")
    others = [running(OTHER, study="s"), running({}, study="s", project="/another/clone"), running({}, study="t")]
    end_trials(store, "s")
    assert [store.status(run_id) for run_id in (own, dead)] == ["KILLED", "KILLED"]
    assert {store.status(run_id) for run_id in others} == {"RUNNING"}


def test_a_study_that_goes_on_is_no_longer_called_dead(store: TrackingStore) -> None:
    record = store.study("s", "name", {"folder": "runs/studies/s"})
    store.client.set_tag(record.id, "process", str(replace(this_process(), started=1)))
    mark_orphaned_runs(store)
    assert reason(store, record.id)
    assert store.study("s", "name", {}).id == record.id
    assert (store.status(record.id), reason(store, record.id)) == ("RUNNING", "")
