"""A tracking database is whole before it is used: made, or upgraded to the MLflow installed, in one transaction.

MLflow would do it statement by statement, so that a kill leaves a database that no later start can use, and two that
start at once stand in each other's way. In one transaction a kill changes nothing, and the others wait for the first.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from overcast.core.console import warn
from overcast.core.errors import UserError
from overcast.core.locks import lock_file

PATIENCE = 8
"""Seconds to wait at the start for another program that writes to a SQLite file."""

ADVISORY_LOCK = 0x6F766572
"""The number by which processes that make the tables of one PostgreSQL database wait for each other."""


def prepare_database(uri: str) -> None:
    """Make the database of this tracking URI, or upgrade it, unless it is as the installed MLflow wants it.

    That is for SQLite's files, and for PostgreSQL where tables are missing; what else there is MLflow cares for.

    Raises: UserError if it is damaged, of a newer MLflow, or locked by another program.
    """
    scheme = uri.partition(":")[0].partition("+")[0]
    if scheme == "sqlite" and (path := _file(uri)):
        with _errors_told(path):
            _prepare_file(uri, path)
    elif scheme in ("postgresql", "postgres"):
        _prepare_server(uri)


def _file(uri: str) -> Path | None:
    """The file of a SQLite URI; None for a database in memory, or one that is opened by SQLite's own kind of URI."""
    from sqlalchemy.engine import make_url

    url = make_url(uri)
    named = url.database and url.database != ":memory:" and "uri" not in url.query
    return Path(url.database or "").absolute() if named else None


def _prepare_file(uri: str, path: Path) -> None:
    if _revision(path) == _newest():
        _check_writable(path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with lock_file(path.with_name(f"{path.name}.lock")):
        if (before := _revision(path)) == _newest():  # another process made it meanwhile
            return
        copy = path.with_name(f"{path.name}.before-{before}") if before else None
        try:
            with _file_transaction(uri, path) as connection:
                if copy:
                    _copy(path, copy)
                _migrate(connection)
        except BaseException:
            if copy:
                copy.unlink(missing_ok=True)  # nothing was changed
            raise
        if copy:
            warn(f"upgraded the tracking database {path} for this MLflow; a copy of before: {copy}")


def _revision(path: Path) -> str | None:
    """The revision of a SQLite file's tables; None where there are none, or not all of the first."""
    if not path.exists():
        return None
    with closing(_connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


@cache
def _newest() -> str:
    """The revision that the installed MLflow wants."""
    from mlflow.store.db.utils import _get_latest_schema_revision

    return str(_get_latest_schema_revision())


def _check_writable(path: Path) -> None:
    """Raises: sqlite3.OperationalError if another program has it locked. One that is read-only can still be read."""
    with closing(_connect(path)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "readonly" not in str(error):
                raise


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=PATIENCE)  # never makes the file


def _copy(path: Path, to: Path) -> None:
    """Copy a database, with what its journal holds."""
    with closing(_connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


@contextmanager
def _file_transaction(uri: str, path: Path) -> Iterator[Any]:
    """A connection in a transaction that others can neither write beside nor see before it is whole."""
    from mlflow.store.db.utils import create_sqlalchemy_engine
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import event

    engine = create_sqlalchemy_engine(uri)

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # else Python begins transactions only before rows are changed
        connection.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE}")
        connection.execute("PRAGMA cache_spill = OFF")  # which would lock out who reads

    @event.listens_for(engine, "begin")
    def _(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
    if known := SqlAlchemyStore._engine_map.get(uri):
        known.dispose()  # this process had the file open that was there before


def _prepare_server(uri: str) -> None:
    """Raises: sqlalchemy's errors where there is no server."""
    from mlflow.store.db.utils import _all_tables_exist, create_sqlalchemy_engine
    from sqlalchemy import func, select

    engine = create_sqlalchemy_engine(uri)
    try:
        if _all_tables_exist(engine):
            return
        with engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK)))
            if not _all_tables_exist(connection):
                _migrate(connection)
    finally:
        engine.dispose()


def _migrate(connection: Any, target: str = "heads") -> None:
    """Bring the tables to a revision, within the connection's transaction."""
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from mlflow.store.db.base_sql_model import Base
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base as First

    First.metadata.create_all(connection)
    config = _get_alembic_config("")
    script = ScriptDirectory.from_config(config)
    # MLflow's own environment would open a connection, and so a transaction, beside this one
    with EnvironmentContext(config, script, fn=lambda current, _: script._upgrade_revs(target, current)) as environment:
        environment.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        environment.run_migrations()


@contextmanager
def _errors_told(path: Path) -> Iterator[None]:
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except CommandError:  # it has a revision that is not known here
        raise UserError(
            f"the tracking database {path} was made by a newer MLflow than the one installed: upgrade MLflow, set "
            "tracking.uri to another database, or train with tracking=off"
        ) from None
    except (sqlite3.Error, SQLAlchemyError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise UserError(file_error(str(path), reason) or _damaged(path, reason)) from None


def file_error(name: str, reason: str) -> str:
    """What to do about an error of SQLite's with the database called ``name``; "" for what can mean anything."""
    if "locked" in reason:
        return (
            f"the tracking database {name} is locked: another program is writing to it. Wait for it or end it "
            f"(`fuser {name}` tells which), or train with tracking=off"
        )
    if "disk is full" in reason:
        return f"No space left on the disk of {name}: free some and run again."
    if "unable to open" in reason or "readonly" in reason:
        return (
            f"Cannot read or write the tracking database {name} ({reason}): mend its permissions and run again, set "
            "tracking.uri to another, or train with tracking=off"
        )
    return ""


def _damaged(path: Path, reason: str) -> str:
    return (
        f"the tracking database {path} is damaged, or was left half-made by an MLflow that was stopped ({reason}). "
        f"Move it away (`mv {path} {path}.broken`) and run again, which makes a new one. Nothing is lost: each run's "
        "folder holds all of it, and `python pipelines/evaluate.py run=<folder>` records it again"
    )


if __name__ == "__main__":  # before a server of MLflow's own would make it
    try:
        prepare_database(sys.argv[1])
    except UserError as error:
        sys.exit(f"overcast: {error}")
