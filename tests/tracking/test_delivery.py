"""Whatever MLflow could not take arrives later: in the same run, in order, once, at its own times."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from flaky import FlakyClient
from overcast.core.locks import try_lock
from overcast.core.process import this_process
from overcast.tracking.delivery import deliver, deliver_all, unsent_files
from overcast.tracking.late_record import late_run
from overcast.tracking.metadata import run_tags
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.outbox import find_outboxes, mark, read_outbox
from overcast.tracking.run import Epoch, MlflowRun, run_status
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

EPOCHS = 4


def log_all(record: Any, folder: Path) -> None:
    """All that a training logs, in small."""
    (folder / "model.pt").write_text("weights")
    with run_status(record):
        record.params({"lr": 0.1})
        record.dataset("skies", "0123", "data/skies", "10 samples")
        for epoch in range(1, EPOCHS + 1):
            record.epochs([Epoch(epoch, {"train/nll": 1 / epoch, "train/accuracy": 0.5}, 1e9 + epoch)])
        record.tags({"weights": "abc"})
        record.artifact(folder / "model.pt", "run")


def recorded(store: TrackingStore, run: str) -> dict[str, Any]:
    """All that there is of a run, but for its id."""
    client = getattr(store.client, "client", store.client)
    found = client.get_run(run)
    names = ("train/nll", "train/accuracy")
    points = {name: [(m.step, m.value, m.timestamp) for m in client.get_metric_history(run, name)] for name in names}
    files = [item.path for item in client.list_artifacts(run, "run")]
    tags = {key: found.data.tags[key] for key in ("role", "weights") if key in found.data.tags}
    inputs = [each.dataset.name for each in found.inputs.dataset_inputs]
    return {
        "status": found.info.status,
        "params": found.data.params,
        "tags": tags,
        "inputs": inputs,
        "files": files,
        **points,
    }


def folder_of(home: Path, name: str) -> Path:
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def undisturbed(store: TrackingStore, home: Path) -> dict[str, Any]:
    record = store.create("x", {"role": "trial", "folder": "runs/whole"})
    log_all(record, folder_of(home, "whole"))
    return recorded(store, record.id)


@pytest.mark.parametrize(
    ("calls", "writes_only"), [(0, False), (2, False), (3, True), (7, False), (8, True), (9, False)]
)
def test_a_store_that_fails_at_any_call_costs_nothing(
    store: TrackingStore, home: Path, undisturbed: dict[str, Any], calls: int, writes_only: bool
) -> None:
    folder = folder_of(home, "broken")
    record = store.create("x", {"role": "trial", "folder": "runs/broken"})
    store.client = record.client = FlakyClient(store.client, calls, writes_only)
    log_all(record, folder)
    ended = 1000 * time.time()
    assert record.refused == []
    assert bool(find_outboxes(folder)) == (calls < 9)
    store.client.mend()
    mark_orphaned_runs(store)
    assert recorded(store, record.id) == undisturbed
    assert find_outboxes(folder) == []
    assert store.client.get_run(record.id).info.end_time <= ended
    assert len(store.search()) == 2


def test_a_delivery_that_is_killed_or_fails_goes_on_where_it_was(
    store: TrackingStore, home: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(home, "broken")
    record = store.create("x", {"role": "trial", "folder": "runs/broken"})
    store.client = record.client = FlakyClient(store.client, 1)
    log_all(record, folder)
    (path,) = find_outboxes(folder)
    entries = len(read_outbox(path).entries)
    store.client.calls = 3
    first = deliver(path, store.client)
    assert first
    assert (first.sent, first.left, first.why) == (3, entries - 3, "too many 500 error responses")

    class Killed(BaseException):
        pass

    def killed(file: int, **line: Any) -> None:  # between what was sent and saying so
        raise Killed

    store.client.mend()
    monkeypatch.setattr("overcast.tracking.delivery.mark", killed)
    for _ in range(2):
        with pytest.raises(Killed):
            deliver(path, store.client)
    monkeypatch.setattr("overcast.tracking.delivery.mark", mark)
    second = deliver(path, store.client)
    assert second
    assert (second.left, second.refused) == (0, [])
    assert recorded(store, record.id) == undisturbed


def test_a_run_that_could_not_be_created_is_created_once(
    store: TrackingStore, home: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the time at which it began, below its parent; also where the answer to creating it was lost."""
    folder = folder_of(home, "late")
    parent = store.create("study", {"role": "study"})
    tags = {"role": "trial", "folder": "runs/late"}
    record = late_run(store.settings, folder, "x", tags, parent.id)
    began = time.time()
    Run(folder).write_record(outbox=record.outbox.path.name if record.outbox else "")
    log_all(record, folder)
    assert record.id == ""
    client = store.client
    store.client = FlakyClient(client, 10**9, loses="create_run")
    assert [each.why for each in deliver_all(store.client, store.uri, unsent_files(home / "runs"))] == [
        "too many 500 error responses"
    ]
    store.client = client
    assert [each.why for each in deliver_all(store.client, store.uri, unsent_files(home / "runs"))] == [""]
    (found,) = (run for run in store.search() if run.tags.get("mlflow.parentRunId") == parent.id)
    assert recorded(store, found.id) == undisturbed
    assert store.client.get_run(found.id).info.start_time == pytest.approx(1000 * began, abs=2000)
    assert Run(folder).facts["id"] == found.id


def test_a_run_is_created_once_where_the_answer_was_lost(store: TrackingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's client would ask again by itself, which makes two: for this one request it may not."""
    create_run = store.client.create_run
    retries = []

    def lost(*args: Any, **kwargs: Any) -> Any:
        retries.append(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"])
        created = create_run(*args, **kwargs)
        if len(retries) == 1:
            raise MlflowException("no answer")
        return created

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    monkeypatch.setattr(store.client, "create_run", lost)
    record = store.create("x", {"role": "trial"})
    assert [run.id for run in store.search()] == [record.id]
    assert (retries, os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]) == (["0"], "2")


def test_what_is_refused_costs_nothing_else_and_is_said(
    store: TrackingStore, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(home, "a")
    for client in (store.client, FlakyClient(store.client, 0)):
        record = store.create("x", {"folder": "runs/a"})
        record.client = client
        record.metrics({"good": 1.0, "ba|d": 2.0, "better": 3.0})
        record.epochs([Epoch(1, {"late": 1.0}, -5), Epoch(2, {"late": 2.0}, 5)])
        record.params({"lr": 1, "b|ad": 2})
        record.artifact(folder / "gone.pt", "run")
        record.tags({"colour": "blue"})
        if isinstance(client, FlakyClient):
            assert record.refused == []
            client.mend()
            record.deliver()
        found = store.client.get_run(record.id).data
        assert (found.metrics, found.params) == ({"good": 1.0, "better": 3.0, "late": 2.0}, {"lr": "1"})
        assert found.tags["colour"] == "blue"
        names = [line.partition(" (")[0] for line in record.refused]
        assert names == ["metric 'ba|d'", "metric 'late'", "param 'b|ad'", "artifact 'gone.pt'"]
        assert capsys.readouterr().err.count("not recorded in MLflow: ") == 4


def test_values_of_any_kind_are_taken(store: TrackingStore) -> None:
    record = store.create("x", {"command": "a\udce9 " + "x" * 9000})
    record.params({"long": "p" * 7000, "odd": "caf\udce9 \0", "secret": "http://me:word@host/x"})
    record.tags({"long": "t" * 9000})
    record.metrics({"nan": float("nan"), "inf": float("inf"), "minus": float("-inf")})
    assert record.refused == []
    found = store.client.get_run(record.id).data
    assert found.params == {"long": "p" * 5999 + "…", "odd": "caf\\udce9 ", "secret": "http://host/x"}
    assert len(found.tags["long"]) == len(found.tags["command"]) == 8000
    assert set(found.metrics) == {"nan", "inf", "minus"}


def test_tags_of_any_kind_are_taken(store: TrackingStore, config: Any, home: Path) -> None:
    asked = config("tags=['a/b','what?','맑음','x y','../c','http://me:hush@host']")
    record = store.create("x", run_tags(asked, {}, home, None))
    tags = [name for name in store.client.get_run(record.id).data.tags if name.startswith("tag.")]
    assert sorted(tags) == ["tag.a/b", "tag.c", "tag.http:/host", "tag.what_-2cc9a59a", "tag.x y", "tag.맑음"]


def test_a_deleted_run_is_said_once_and_an_unknown_one_keeps_its_record(store: TrackingStore, home: Path) -> None:
    folder = folder_of(home, "a")
    record = store.create("x", {"folder": "runs/a"})
    store.client.delete_run(record.id)
    for _ in range(3):
        record.metrics({"a": 1.0})
    assert record.refused == [f"what came after the MLflow run {record.id} was deleted"]
    gone = MlflowRun(None, record.id, record.outbox)
    gone.metrics({"a": 1.0})
    (delivery,) = deliver_all(store.client, store.uri, find_outboxes(folder))
    assert delivery.refused == [f"1 entries (the MLflow run {record.id} was deleted)"]
    unknown = late_run(store.settings, folder, "x", {}, "0" * 32)
    unknown.metrics({"a": 1.0})
    (delivery,) = deliver_all(store.client, store.uri, find_outboxes(folder))
    assert delivery.why.startswith("this store has no MLflow run 000")
    assert len(find_outboxes(folder)) == 1


def test_a_run_that_died_with_an_unsent_record_is_not_ended_before_that_arrived(
    store: TrackingStore, home: Path
) -> None:
    gone = str(replace(this_process(), started=1))
    done, dead = (store.create("x", {"folder": f"runs/{name}", "process": gone}) for name in ("done", "dead"))
    for record in (done, dead):
        folder_of(home, "done" if record is done else "dead")
        record.client = FlakyClient(store.client, 0)
        record.metrics({"a": 1.0})
    done.end("FINISHED")
    healthy, store.client = store.client, FlakyClient(store.client, 0, writes_only=True)
    mark_orphaned_runs(store)
    store.client = healthy
    assert {store.status(record.id) for record in (done, dead)} == {"RUNNING"}
    with try_lock(home / "runs" / "done"):  # it is at work
        mark_orphaned_runs(store)
    assert (store.status(done.id), store.status(dead.id)) == ("RUNNING", "KILLED")
    mark_orphaned_runs(store)
    assert store.status(done.id) == "FINISHED"
    assert store.search(limit=1)[0].metrics == {"a": 1.0}


def test_nothing_is_sent_to_another_store_or_of_a_damaged_file(store: TrackingStore, home: Path) -> None:
    folder = folder_of(home, "a")
    record = store.create("x", {"folder": "runs/a"})
    record.client = FlakyClient(store.client, 0)
    record.metrics({"a": 1.0})
    (folder / "unsent-x.jsonl").write_text("{")
    paths = find_outboxes(folder)
    assert len(paths) == 2
    assert deliver_all(store.client, "http://elsewhere", paths) == []
    (delivery,) = deliver_all(store.client, store.uri, paths)
    assert delivery.sent == 1


def test_a_damaged_entry_is_said_and_the_others_arrive(store: TrackingStore, home: Path) -> None:
    folder = folder_of(home, "a")
    record = store.create("x", {"folder": "runs/a"})
    record.client = FlakyClient(store.client, 0)
    record.metrics({"a": 1.0})
    record.metrics({"b": 2.0})
    (path,) = find_outboxes(folder)
    path.write_text(path.read_text().replace("1.0", "7.0"))
    (delivery,) = deliver_all(store.client, store.uri, [path])
    assert (delivery.sent, delivery.refused) == (2, ["an entry (it was damaged while it waited)"])
    assert store.client.get_run(record.id).data.metrics == {"b": 2.0}
    assert not path.exists()


def test_a_record_that_can_be_kept_nowhere_is_said(
    store: TrackingStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = store.create("x", {})
    record.client = FlakyClient(store.client, 0)
    record.metrics({"a": 1.0})
    assert record.refused == ["metrics (MLflow does not answer, and there is no folder to keep it in)"]
    folder_of(home, "a")
    record = store.create("x", {"folder": "runs/a"})
    record.client = FlakyClient(store.client, 0)
    monkeypatch.setattr(os, "write", lambda file, data: 0)
    record.metrics({"a": 1.0})
    assert record.refused == ["metrics (MLflow does not answer, and [Errno 28] No space left on device)"]


def test_what_is_kept_says_no_password(store: TrackingStore, home: Path) -> None:
    folder = folder_of(home, "a")
    record = late_run(store.settings, folder, "x", {"command": "tracking.uri=http://me:hush@host"}, "p")
    record.tags({"more": "postgresql://me:hush@host/db"})
    (path,) = find_outboxes(folder)
    assert "hush" not in path.read_text()
    assert json.loads(path.read_text().splitlines()[0])["creation"]["tags"]["command"] == "tracking.uri=http://host"
