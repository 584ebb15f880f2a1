"""What of a run has not reached MLflow yet, kept in the run's folder until it is delivered: one file of JSON lines.

The first line says which MLflow run it is for, and how to create that if there is none yet. Each further one is an
entry, or says that some entries were delivered. A line is written at once, so that a kill leaves whole ones, and has a
checksum: what is left of another is an entry that is `LOST`, which is said when its turn comes. The file is locked
while it is changed, and is gone when all is delivered.

It depends on when a server was away: it stands beside what DVC keeps of a run, as ``record.json`` does.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from overcast.core.atomic import whole_file
from overcast.core.console import warn
from overcast.core.hashes import CHECKSUM, is_unchanged, with_checksum
from overcast.core.paths import project_home

OUTBOX = "unsent-{}.jsonl"
"""Its name; of several MLflow runs for one folder each has its own."""

Entry = dict[str, Any]
"""One kind of thing to log, and its values: ``{"params": {"lr": "0.1"}}``; see `overcast.tracking.delivery.send`."""

LOST = "lost"
"""What an entry is that cannot be read any more, with its text."""

IDEMPOTENCY_KEY = "idempotency_key"
"""The tag by which a run that was created is known, if nothing else came back from that."""

DELIVERED, CREATED = "delivered", "created"
"""The lines that are no entries: how many were sent, and the id that the run then got."""


@dataclass(frozen=True)
class Outbox:
    """folder: the run's. run: its MLflow id, "" if it has to be created.

    uri, experiment: of the store, without a password, and the name of the experiment in it. creation: how to create it:
    name, tags, start time in milliseconds.
    """

    folder: str
    uri: str
    experiment: str
    run: str = ""
    creation: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "uri", portable_uri(self.uri))

    @property
    def path(self) -> Path:
        """The file, whether it exists or not."""
        return Path(self.folder) / OUTBOX.format(self.run or self.key)

    @property
    def key(self) -> str:
        """By which a run that was created is known, if nothing else came back from that."""
        return str(self.creation["tags"][IDEMPOTENCY_KEY])

    @property
    def waits(self) -> bool:
        """Whether anything is to be delivered."""
        return self.path.exists()

    def add(self, *entries: Entry) -> None:
        """Append entries; without any, what there is to deliver is that the run exists."""
        with _locked(self.path) as file:
            head = {key: value for key, value in asdict(self).items() if key != "folder"}
            lines = [*([] if os.fstat(file).st_size else [head]), *entries]
            _append(file, "".join(_line(**line) for line in lines))


@dataclass(frozen=True)
class Unsent:
    """What an outbox's file holds: ``run`` also where it was created since, and the entries that are still to be sent.

    sent: how many entries were.
    """

    outbox: Outbox
    run: str
    entries: Sequence[Entry]
    sent: int


def find_outboxes(folder: Path) -> list[Path]:
    """The files of what a run's folder has not delivered."""
    return sorted(folder.glob(OUTBOX.format("*")))


def read_outbox(path: Path) -> Unsent:
    """What a file holds. Raises: ValueError for one without a whole first line."""
    head, *lines = _read_lines(path)
    try:
        outbox = Outbox(str(path.parent), **head)
    except TypeError:
        raise ValueError(f"{path} is no record of a run, or damaged: nothing of it can be sent, remove it") from None
    run, sent, entries = outbox.run, 0, []
    for line in lines:
        if CREATED in line:
            run = line[CREATED]
        elif DELIVERED in line:
            sent += line[DELIVERED]
        else:
            entries.append(line if len(line) == 1 else {LOST: str(line)})
    return Unsent(outbox, run, entries[sent:], sent)


def _read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file, or an empty one; what is none any more is `LOST`."""
    texts = path.read_text(encoding="utf8", errors="replace").split("\n")
    return [_read_line(text) for text in texts if text] or [{}]


def _read_line(text: str) -> dict[str, Any]:
    with suppress(ValueError):
        line = json.loads(text)
        if isinstance(line, dict) and is_unchanged(line):
            return {name: value for name, value in line.items() if name != CHECKSUM}
    return {LOST: text}


@contextmanager
def taken(path: Path) -> Iterator[int | None]:
    """An outbox's file to deliver, as `mark` wants it; None where another process is at it, or it is gone."""
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND)
    except FileNotFoundError:
        yield None
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        yield None
        return
    try:
        yield file if _is_at(file, path) else None
    finally:
        os.close(file)


def mark(file: int, **line: Any) -> None:
    """Say in an outbox's file what has become of it: ``delivered=3`` entries, ``created="<id>"``."""
    _append(file, _line(**line))


def leave_out_artifacts(folder: Path) -> None:
    """Forget the files that an earlier run in this folder has not delivered: others take their place."""
    for path in find_outboxes(folder):
        with taken(path) as file:
            if file is not None:
                warn(f"the files that {path} had to send are replaced by another run's")
                lines = path.read_text(encoding="utf8", errors="surrogateescape").splitlines(keepends=True)
                nothing = _line(tags={})  # what was delivered is counted by lines
                whole_file(path, "".join(nothing if line.startswith('{"artifact"') else line for line in lines))


def portable(path: Path, folder: Path) -> str:
    """A path as an outbox tells it: from the run's folder, or from the project, whichever it lies in."""
    place = Path(os.path.abspath(path))
    for name, root in (("run", Path(os.path.abspath(folder))), ("home", project_home())):
        if place.is_relative_to(root):
            return f"{name}:{place.relative_to(root).as_posix()}"
    return str(place)


def portable_uri(uri: str) -> str:
    """A store's URI as it still is after the project moved, if its database lies there."""
    return uri.replace(f"sqlite:///{project_home()}/", "sqlite:///")


def from_portable(text: str, folder: Path) -> Path:
    """The path that `portable` was given, after a project moved too."""
    name, _, rest = text.partition(":")
    return {"run": folder, "home": project_home()}[name] / rest if name in ("run", "home") else Path(text)


def _line(**values: Any) -> str:
    return json.dumps(with_checksum(values)) + "\n"


def _append(file: int, text: str) -> None:
    size = os.fstat(file).st_size
    torn = size and os.pread(file, 1, size - 1) != b"\n"
    line = (("\n" if torn else "") + text).encode()
    if os.write(file, line) < len(line):  # the disk is full
        os.ftruncate(file, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(file)


def _is_at(file: int, path: Path) -> bool:
    """Whether an open file still is the one of this name."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, which is made if there is none, and this process's alone, after waiting for whoever has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(file, path):  # it was not delivered and removed meanwhile
                yield file
                return
        finally:
            os.close(file)
