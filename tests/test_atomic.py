"""What was there before stays until the new is whole; a full or closed disk is one message."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from overcast.atomic import whole_file, whole_folder, writing
from overcast.errors import UserError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with whole_folder(tmp_path / "x") as part:
            (part / text).touch()
        assert names(tmp_path / "x") == [text]
    assert names(tmp_path) == ["x"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "x") as part:
        (part / "old").touch()
    with pytest.raises(FileNotFoundError), whole_folder(tmp_path / "x") as part:
        (part / "new").rename(part / "none" / "new")
    assert names(tmp_path / "x") == ["old"]
    assert names(tmp_path) == ["x"]


def test_a_file_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    whole_file(path, "ä\udcff")
    assert path.read_bytes() == b"\xc3\xa4\xff"
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(UserError, match="No space left"):
        whole_file(path, "new")
    assert path.read_bytes() == b"\xc3\xa4\xff"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, "No space left"), (errno.EACCES, "permissions")])
def test_what_a_user_can_mend_is_said(tmp_path: Path, number: int, said: str) -> None:
    with pytest.raises(UserError, match=said), writing(tmp_path):
        raise OSError(number, "reason")
    with pytest.raises(OSError, match="reason"), writing(tmp_path):
        raise OSError(errno.EIO, "reason")
