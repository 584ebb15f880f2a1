"""A data set is made ready by one process at a time, whatever it was started by."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from overcast.core.locks import lock
from overcast.prepare.one_process import one_process_at_once


def test_the_second_waits_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "digits"
    with one_process_at_once(folder):
        assert capsys.readouterr().out == ""
    locked, done = threading.Event(), threading.Event()

    def another() -> None:
        with lock(folder):
            locked.set()
            threading.Event().wait(0.3)
            done.set()

    thread = threading.Thread(target=another)
    thread.start()
    locked.wait(10)
    with one_process_at_once(folder):
        assert done.is_set()
    assert capsys.readouterr().out == "preparing digits: waiting for another process that is at it\n"
    thread.join()
