"""A folder is held by one process at a time, and free again when that ends, however it ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from overcast.core.errors import UserError
from overcast.core.locks import is_locked, lock, try_lock

HOLDER = """
import pathlib, sys
from overcast.core.locks import try_lock
with try_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds `tmp_path`."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_only_inside_the_block(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with try_lock(tmp_path):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)
    with try_lock(tmp_path):
        pass


def test_a_folder_that_is_gone_is_not_held(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "none")


def test_another_process_is_refused_until_it_is_killed(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    assert is_locked(tmp_path)
    with pytest.raises(UserError, match="another process is at work in"), try_lock(tmp_path):
        pass
    holder.kill()
    holder.wait()
    assert not is_locked(tmp_path)
    with try_lock(tmp_path):
        pass


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"), try_lock(tmp_path):
        raise ValueError("x")
    assert not is_locked(tmp_path)


def test_asking_does_not_stand_in_the_way(tmp_path: Path) -> None:
    with try_lock(tmp_path):
        pass
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            is_locked(tmp_path)

    asker = threading.Thread(target=ask)
    asker.start()
    taken = 0
    try:
        for _ in range(200):
            with try_lock(tmp_path):  # raises where the asker has it
                taken += 1
    finally:
        done.set()
        asker.join()
    assert taken == 200


def test_turns_are_waited_for(tmp_path: Path) -> None:
    taken: list[str] = []

    def second() -> None:
        with lock(tmp_path):
            taken.append("second")

    thread = threading.Thread(target=second)
    with lock(tmp_path):
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        taken.append("first")
    thread.join()
    assert taken == ["first", "second"]
