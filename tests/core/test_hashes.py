"""What was changed is seen, in files and in facts; what was written before there were hashes is believed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from overcast.core.hashes import CHECKSUM, file_hash, file_hashes, is_unchanged, with_checksum

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
