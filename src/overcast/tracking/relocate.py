"""After a project was moved or copied: its tracking database still names the folder where its artifacts were before.

MLflow stores absolute addresses and has no call that changes them, so this does, in the database itself.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from overcast.core.console import warn


def relocate(uri: str, location: str, artifacts: Path) -> None:
    """Let what is recorded in the artifact folder ``location`` be found in ``artifacts``, where that is what it became.

    That it is: ``artifacts`` has the same name and lies beside the database of the SQLite ``uri``, and ``location`` is
    gone (moved: everything changes) or holds runs that are in ``artifacts`` too (copied: those change). A database
    that nobody may write to stays as it is.
    """
    database, old, new = Path(urlsplit(uri).path[1:]).resolve(), _path(location), artifacts.resolve()
    if not uri.startswith("sqlite:") or old is None or old == new:
        return
    if new.parent != database.parent or new.name != old.name:
        return
    try:
        with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            addresses = [row[0] for row in connection.execute("SELECT artifact_uri FROM runs WHERE artifact_uri != ''")]
            moved = [text for text in addresses if text.startswith(f"{location}/") and _is_at(text, old, new)]
            if old.exists() and not moved:
                return
            change = "UPDATE {} SET {column} = ? WHERE {column} = ?"
            pairs = [(new.as_uri() + text.removeprefix(location), text) for text in moved]
            connection.executemany(change.format("runs", column="artifact_uri"), pairs)
            pair = (new.as_uri(), location)
            connection.execute(change.format("experiments", column="artifact_location"), pair)
    except sqlite3.OperationalError:
        return
    warn(f"the artifacts of {len(moved)} runs, recorded in {old}, are now found in {new}")


def _is_at(address: str, old: Path, new: Path) -> bool:
    """Whether the artifacts of this address are those in ``new``, be it that there is no other place left."""
    place = _path(address)
    return not old.exists() or (place is not None and (new / place.relative_to(old)).exists())


def _path(address: str) -> Path | None:
    """The path of a file's address; None for what is none."""
    parts = urlsplit(address)
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") and parts.path else None
