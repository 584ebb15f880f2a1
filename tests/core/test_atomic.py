"""What was there before stays until the new is whole; a full or closed disk is one message."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from overcast.core.atomic import whole_file, whole_folder, writing
from overcast.core.errors import UserError


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


@pytest.mark.parametrize(("number", "message"), [(errno.ENOSPC, "No space left"), (errno.EACCES, "permissions")])
def test_what_a_user_can_mend_is_said(tmp_path: Path, number: int, message: str) -> None:
    with pytest.raises(UserError, match=message), writing(tmp_path):
        raise OSError(number, "reason")
    with pytest.raises(OSError, match="reason"), writing(tmp_path):
        raise OSError(errno.EIO, "reason")
    with pytest.raises(UserError, match=message) as raised, whole_folder(tmp_path / "x") as part, writing(part):
        raise OSError(number, "reason")
    assert f"{tmp_path}/x" in str(raised.value)  # not under the name that it has while it is written
    with pytest.raises(UserError) as raised, whole_folder(tmp_path / "x") as part:
        raise PermissionError(errno.EACCES, "denied", str(part))
    assert f"{tmp_path}/x (denied)" in str(raised.value)


def test_the_part_files_of_others_are_left_alone(tmp_path: Path) -> None:
    others = ["x.part", "x.old", ".x.part", ".x.overcast.part", "y.part"]
    for name in others:
        (tmp_path / name).write_text("keep")
    whole_file(tmp_path / "x", "new")
    (tmp_path / "x").unlink()
    with whole_folder(tmp_path / "x") as part:
        (part / "new").touch()
    assert names(tmp_path) == sorted(["x", *others])
    assert {(tmp_path / name).read_text() for name in others} == {"keep"}


def test_two_writers_at_once_are_both_whole(tmp_path: Path) -> None:
    """As two studies are that prepare the same data: whichever comes last stays, and neither sees the other's files."""
    both = threading.Barrier(2)
    errors: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for turn in range(30):
                with whole_folder(tmp_path / "x") as part:
                    (part / f"{name}{turn}").touch()
                    both.wait(10)
                    assert names(part) == [f"{name}{turn}"]
                whole_file(tmp_path / "y", name * 1000)
        except BaseException as error:
            errors.append(error)
            both.abort()

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert names(tmp_path) == ["x", "y"]
    assert names(tmp_path / "x") in (["a29"], ["b29"])
    assert (tmp_path / "y").read_text() in ("a" * 1000, "b" * 1000)


WRITER = """
import pathlib, sys
from overcast.core.atomic import whole_folder
with whole_folder(pathlib.Path(sys.argv[1])) as part:
    (part / "half").touch()
    print("begun", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_writer_left_is_removed_but_not_a_living_ones(tmp_path: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", WRITER, str(tmp_path / "x")]
    with subprocess.Popen(command, text=True, **pipes) as writer:  # type: ignore[call-overload]
        assert writer.stdout.readline() == "begun\n"
        with whole_folder(tmp_path / "x") as part:
            (part / "first").touch()
        assert len(names(tmp_path)) == 2
        writer.kill()
    assert len(names(tmp_path)) == 2
    with whole_folder(tmp_path / "x") as part:
        (part / "second").touch()
    assert names(tmp_path) == ["x"]
    assert names(tmp_path / "x") == ["second"]


def test_a_folder_that_a_killed_writer_had_just_moved_away_is_put_back(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "x") as part:
        (part / "old").touch()
        token = part.stem
    (tmp_path / "x").rename(tmp_path / f"{token}.old")
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "x"):
        raise RuntimeError
    assert names(tmp_path) == ["x"]
    assert names(tmp_path / "x") == ["old"]


def test_what_is_written_is_for_whom_the_user_lets_read(tmp_path: Path) -> None:
    """A temporary file's own permissions are its owner's alone."""
    before = os.umask(0o022)
    try:
        whole_file(tmp_path / "file", "x")
        with whole_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("file", "folder")] == [0o644, 0o755]


def test_a_file_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("keep")
    with pytest.raises(UserError, match="Not a directory"), whole_folder(tmp_path / "x"):
        pass
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "keep"
