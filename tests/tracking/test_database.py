"""A tracking database is whole or as it was, however many start on it at once and wherever one of them is killed."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.core.locks import lock_file
from overcast.tracking import database
from overcast.tracking.database import prepare_database
from overcast.tracking.store import TrackingStore, open_store

pytestmark = [
    pytest.mark.filterwarnings("ignore:::mlflow"),
    pytest.mark.filterwarnings("ignore:::sqlalchemy"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

OLD = "c3d9e7f1a2b4"
"""A revision before the newest."""


def address(path: Path) -> str:
    return f"sqlite:///{path}"


def migrate(path: Path, target: str = "heads") -> None:
    with database._file_transaction(address(path), path) as connection:
        database._migrate(connection, target)


@pytest.fixture(scope="module")
def old_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """With an experiment and a run in it."""
    path = tmp_path_factory.mktemp("old") / "mlflow.db"
    migrate(path, OLD)
    run_in_sqlite(
        path, "INSERT INTO experiments (name, artifact_location, lifecycle_stage) VALUES ('e', '/x', 'active')"
    )
    run_in_sqlite(path, "INSERT INTO runs (run_uuid, name, experiment_id) VALUES ('0123', 'old', 1)")
    return path.read_bytes()


@pytest.fixture(scope="module")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("new") / "mlflow.db"
    migrate(path)
    return path.read_bytes()


def run_in_sqlite(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mlflow.db"


@pytest.fixture(params=["new", "old"])
def start(request: pytest.FixtureRequest, path: Path, old_database: bytes) -> str:
    """No database yet, or one of an older revision."""
    if request.param == "old":
        path.write_bytes(old_database)
    return str(request.param)


def check_whole(path: Path, start: str) -> None:
    assert database._revision(path) == database._newest()
    with closing(sqlite3.connect(path)) as connection:
        runs = connection.execute("SELECT run_uuid, name FROM runs").fetchall()
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert runs == ([("0123", "old")] if start == "old" else [])
    copy = path.with_name(f"{path.name}.before-{OLD}")
    names = {path.name, f"{path.name}.lock"} | ({copy.name} if start == "old" else set())
    assert {each.name for each in path.parent.iterdir()} == names
    if start == "old":
        assert database._revision(copy) == OLD


def test_many_at_once_wait_for_the_first(start: str, path: Path) -> None:
    errors: list[Exception] = []

    def prepare() -> None:
        try:
            prepare_database(address(path))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    check_whole(path, start)


def prepare_until_killed(path: Path, statements: int) -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    count = iter(range(10_000))

    @event.listens_for(Engine, "before_cursor_execute")
    def _(*_: object) -> None:
        if next(count) == statements:
            os.kill(os.getpid(), signal.SIGKILL)

    prepare_database(address(path))


@pytest.mark.parametrize("statements", [40, *(pytest.param(number, marks=pytest.mark.slow) for number in (3, 250))])
def test_a_kill_changes_nothing_and_the_next_start_makes_it_whole(start: str, path: Path, statements: int) -> None:
    database._newest()  # imports what the child needs
    process = multiprocessing.get_context("fork").Process(target=prepare_until_killed, args=(path, statements))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with suppress(sqlite3.OperationalError):
        assert database._revision(path) == (OLD if start == "old" else None)
    prepare_database(address(path))
    check_whole(path, start)


def test_a_whole_one_is_left_as_it_is(path: Path, new_database: bytes) -> None:
    path.write_bytes(new_database)
    prepare_database(address(path))
    assert path.read_bytes() == new_database
    assert [each.name for each in path.parent.iterdir()] == ["mlflow.db"]


def test_who_has_an_old_one_open_sees_the_new_tables_and_loses_nothing(path: Path, old_database: bytes) -> None:
    """Such as a server of the UI: the file stays the same one. What only its journal holds is in the copy, too."""
    path.write_bytes(old_database)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("UPDATE runs SET name = 'in the journal'")
        other.commit()
        prepare_database(address(path))
        assert other.execute("SELECT creator FROM jobs").fetchall() == []  # which is new
        other.execute("UPDATE runs SET name = 'written after'")
        other.commit()
    for name, written in {path.name: "written after", f"{path.name}.before-{OLD}": "in the journal"}.items():
        with closing(sqlite3.connect(path.with_name(name))) as connection:
            assert connection.execute("SELECT name FROM runs").fetchall() == [(written,)]


HALF_MADE = "is damaged, or was left half-made by an MLflow that was stopped ("


@pytest.mark.parametrize(
    ("start", "damage", "message"),
    [
        # what a kill left of MLflow's own migration
        ("old", "ALTER TABLE jobs ADD COLUMN creator VARCHAR(255)", f"{HALF_MADE}duplicate column name"),
        ("new", "DELETE FROM alembic_version", HALF_MADE),
        ("new", "UPDATE alembic_version SET version_num = 'ffff'", "was made by a newer MLflow than the one installed"),
        ("new", "", f"{HALF_MADE}file is not a database"),
    ],
    indirect=["start"],
)
def test_one_that_cannot_be_used_is_one_message_and_stays_as_it_is(
    start: str, damage: str, message: str, path: Path, new_database: bytes
) -> None:
    if start == "new":
        path.write_bytes(new_database if damage else b"no database" * 100)
    if damage:
        run_in_sqlite(path, damage)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(UserError) as raised:
            open_store(settings(path))
        assert message in str(raised.value)
        assert "\n" not in str(raised.value)
    assert path.read_bytes() == before
    assert {each.name for each in path.parent.iterdir()} <= {"mlflow.db", "mlflow.db.lock"}  # no copy


def settings(path: Path) -> TrackingConfig:
    return TrackingConfig(uri=address(path), artifacts=str(path.parent / "artifacts"), experiment="x")


@pytest.fixture
def locked(path: Path, new_database: bytes) -> Iterator[None]:
    path.write_bytes(new_database)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.usefixtures("locked")
def test_a_locked_one_is_said_within_seconds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert database.PATIENCE <= 10
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    began = time.monotonic()
    with pytest.raises(UserError, match=r"the tracking database .*mlflow.db is locked: another program"):
        open_store(settings(path))
    assert time.monotonic() - began < 5


def test_one_that_is_being_made_is_waited_for_and_not_called_locked(
    path: Path, old_database: bytes, new_database: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.01)
    waiting = threading.Thread(target=prepare_database, args=(address(path),))
    with lock_file(path.with_name("mlflow.db.lock")):
        path.write_bytes(old_database)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        path.write_bytes(new_database)
    waiting.join()
    assert database._revision(path) == database._newest()


def test_a_read_only_one_can_be_read_and_says_that_it_takes_no_run(
    path: Path, new_database: bytes, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_bytes(new_database)
    made = open_store(settings(path))
    assert made is not None
    run_id = made.create("x", {"role": "trial"}).id
    read_only = TrackingStore(*_client(f"sqlite:///file:{path}?mode=ro&uri=true"), settings(path))
    assert read_only.status(run_id) == "RUNNING"
    with pytest.raises(UserError, match=r"Cannot read or write the tracking database .* \(attempt to write a readonly"):
        read_only.create("y", {"role": "trial"})
    assert capsys.readouterr().err == ""


def _client(uri: str) -> tuple[object, str, str]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    return client, uri, client.get_experiment_by_name("x").experiment_id


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:", "http://127.0.0.1:9", "mlruns", "databricks"])
def test_what_is_no_file_of_sqlite_is_left_to_mlflow(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    prepare_database(uri)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_removed_is_made_anew_for_the_process_that_had_it_open(
    path: Path, new_database: bytes, home: Path
) -> None:
    path.write_bytes(new_database)
    first = open_store(settings(path))
    assert first is not None
    first.create("x", {})
    path.unlink()
    second = open_store(settings(path))
    assert second is not None
    run_id = second.create("y", {}).id
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT run_uuid FROM runs").fetchall() == [(run_id,)]


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_make_ui_makes_it_before_mlflow_would(path: Path, new_database: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["database", address(path)])
    path.write_bytes(new_database)
    runpy.run_module("overcast.tracking.database", run_name="__main__")
    path.write_bytes(b"no database" * 100)
    with pytest.raises(SystemExit, match=r"overcast: the tracking database .* is damaged"):
        runpy.run_module("overcast.tracking.database", run_name="__main__")


def test_a_transaction_that_was_interrupted_is_no_full_disk() -> None:
    """SQLAlchemy asks to roll back "fully"."""
    assert "No space left" in database.file_error("mlflow.db", "database or disk is full")
    interrupted = "Can't reconnect until invalid transaction is rolled back.  Please rollback() fully before proceeding"
    assert database.file_error("mlflow.db", interrupted) == ""
