"""What was changed is seen, in files and in facts; what was written before there were hashes is believed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from overcast.core import hashes
from overcast.core.errors import UserError
from overcast.core.hashes import CHECKSUM, _file_hash, file_hash, file_hashes, is_unchanged, with_checksum

FACTS = {"seed": 1, "name": "맑음", "seconds": 0.1, "pair": (1, 2), "nested": {"b": None, "a": float("inf")}}


def test_a_file_has_the_hash_of_its_content_and_another_after_a_change(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in (b"", b"one", b"two"):
        path.write_bytes(content)
        expected = hashlib.sha256(content).hexdigest()
        assert file_hash(path) == file_hash(path) == file_hashes(tmp_path, ["a", "gone"])["a"] == expected
    assert file_hashes(tmp_path, ["gone"]) == {}
    with pytest.raises(FileNotFoundError):
        file_hash(tmp_path / "gone")


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large").write_bytes(b"1")
    found = file_hash(tmp_path / "large")
    monkeypatch.setattr(Path, "open", None)
    assert file_hash(tmp_path / "large") == found


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as large, in a pack's folder."""
    monkeypatch.setattr(hashes, "LARGE", 2)
    path = tmp_path / "pack" / "values.npy"
    path.parent.mkdir()
    path.write_bytes(b"12")
    return path


def test_a_large_file_is_read_by_the_first_process_alone(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = file_hash(large)
    _file_hash.cache_clear()  # as another process begins
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert file_hash(large) == found
    assert [path.name for path in large.parent.iterdir()] == ["values.npy"]


@pytest.mark.parametrize("note", [None, b"", b"[]", b"{}", b'{"state": 1, "hash": "wrong"}'])
def test_a_change_of_a_large_file_or_its_note_is_seen(large: Path, note: bytes | None) -> None:
    file_hash(large)
    state = large.stat()
    if note is not None:
        (large.parents[1] / ".pack-values.npy.sha256").write_bytes(note)
    large.write_bytes(b"21")
    os.utime(large, ns=(state.st_atime_ns, state.st_mtime_ns))  # as if nothing had been
    _file_hash.cache_clear()
    assert file_hash(large) == hashlib.sha256(b"21").hexdigest()


def test_a_large_file_in_a_folder_that_is_only_read_is_read_each_time(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise UserError("read-only")

    monkeypatch.setattr(hashes, "whole_file", refuses)
    assert file_hash(large) == hashlib.sha256(b"12").hexdigest()


def test_facts_are_unchanged_after_a_file_and_nothing_else_in_it_is() -> None:
    text = json.dumps(with_checksum(FACTS))
    assert is_unchanged(json.loads(text))
    for old, new in (
        ("1", "2"),
        ("seed", "seeD"),
        ("0.1", "0.2"),
        ("null", "true"),
        (CHECKSUM + '": "', CHECKSUM + '": "0'),
    ):
        assert not is_unchanged(json.loads(text.replace(old, new, 1)))
    assert with_checksum(with_checksum(FACTS)) == with_checksum(FACTS)


def test_facts_of_before_there_were_checksums_are_believed() -> None:
    assert is_unchanged(FACTS)
