"""What is not sent yet: whole lines, whatever kills their writer, and paths that outlive a move."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from overcast.core.paths import HOME
from overcast.tracking.outbox import (
    LOST,
    Outbox,
    find_outboxes,
    from_portable,
    leave_out_artifacts,
    mark,
    portable,
    read_outbox,
    taken,
)  # fmt: skip


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(str(tmp_path), "http://host", "overcast", "abc")


def test_entries_are_kept_in_order_and_those_delivered_are_marked(outbox: Outbox) -> None:
    assert not outbox.waits
    outbox.add({"params": {"a": "1"}}, {"end": ["FINISHED", 5]})
    outbox.add({"tags": {"b": "맑음"}})
    assert find_outboxes(Path(outbox.folder)) == [outbox.path]
    with taken(outbox.path) as file:
        assert file is not None
        with taken(outbox.path) as second:
            assert second is None  # one process at a time
        mark(file, created="def")
        mark(file, delivered=1)
    unsent = read_outbox(outbox.path)
    assert (unsent.outbox, unsent.run, unsent.sent) == (outbox, "def", 1)
    assert unsent.entries == [{"end": ["FINISHED", 5]}, {"tags": {"b": "맑음"}}]
    outbox.path.unlink()
    with taken(outbox.path) as file:
        assert file is None


@pytest.mark.parametrize("cut", [1, 5, 15])
def test_the_rest_of_a_line_is_lost(outbox: Outbox, cut: int) -> None:
    outbox.add({"params": {"a": "1"}}, {"params": {"b": "2"}})
    os.truncate(outbox.path, outbox.path.stat().st_size - cut)
    outbox.add({"params": {"c": "3"}})
    entries = read_outbox(outbox.path).entries
    assert entries[0] == {"params": {"a": "1"}}
    assert entries[-1] == {"params": {"c": "3"}}
    assert [*entries[1]] == (["params"] if cut == 1 else [LOST])  # only the line's end was missing


def test_a_byte_that_changed_is_never_sent(outbox: Outbox) -> None:
    sound = [{"params": {"a": "1"}}, {"params": {"b": "2"}}]
    outbox.add(*sound)
    content = outbox.path.read_bytes()
    for place, byte in enumerate(content[:-1]):
        outbox.path.write_bytes(content[:place] + bytes([byte ^ 2]) + content[place + 1 :])
        if place <= content.index(b"\n"):
            with pytest.raises(ValueError, match="no record of a run, or damaged"):
                read_outbox(outbox.path)
        else:
            unsent = read_outbox(outbox.path)
            assert all(entry in sound or LOST in entry for entry in unsent.entries)
            assert unsent.entries != sound


def test_a_full_disk_leaves_no_rest_of_a_line(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.add({"params": {"a": "1"}})
    before, write = outbox.path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:5]))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        outbox.add({"params": {"b": "2"}})
    assert outbox.path.read_bytes() == before


def test_a_run_in_the_same_folder_takes_the_place_of_the_files(outbox: Outbox) -> None:
    outbox.add({"params": {"a": "1"}}, {"artifact": ["run:model.pt", "run"]}, {"end": ["FINISHED", 5]})
    with taken(outbox.path) as file:
        assert file is not None
        mark(file, delivered=1)
    leave_out_artifacts(Path(outbox.folder))
    assert read_outbox(outbox.path).entries == [{"tags": {}}, {"end": ["FINISHED", 5]}]
    for text in ("", "{\n", "5\n", "\0\n", json.dumps({"params": {}}) + "\n"):
        outbox.path.write_text(text)
        with pytest.raises(ValueError, match="is no record of a run"):
            read_outbox(outbox.path)


def test_paths_are_told_from_the_run_or_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(tmp_path))
    run = tmp_path / "runs" / "a"
    assert portable(run / "model.pt", run) == "run:model.pt"
    assert portable(tmp_path / "reports" / "x", run) == "home:reports/x"
    assert portable(Path("/else/where"), run) == "/else/where"
    assert Outbox(str(run), f"sqlite:///{tmp_path}/mlflow.db", "overcast", "abc").uri == "sqlite:///mlflow.db"
    monkeypatch.setenv(HOME, str(tmp_path / "moved"))
    moved = tmp_path / "moved" / "runs" / "a"
    assert from_portable("run:model.pt", moved) == moved / "model.pt"
    assert from_portable("home:reports/x", moved) == tmp_path / "moved" / "reports" / "x"
    assert from_portable("/else/where", moved) == Path("/else/where")
