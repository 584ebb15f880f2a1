"""Workers beside each other: what ends one of them is told to whoever asked for the search."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from overcast.core.errors import UnreachableError
from overcast.study import fork_server
from overcast.tracking.study_info import StudyInfo
from overcast.tuning import pool
from overcast.tuning.definition import Search
from overcast.tuning.pool import train_fold
from overcast.tuning.space import Range, Space
from overcast.tuning.storage import open_storage


@pytest.fixture
def searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """A search by two workers, which do this: forked from here, so that they have it."""
    folder = tmp_path / "runs" / "searches" / "x-1"
    folder.mkdir(parents=True)
    info = StudyInfo("x-1", "x", "", 2, str(folder))
    search = Search("x-1", "x", (), Space("", {"lr": Range(0.1, 1)}), (0,), None, 6, "", info)
    forked = multiprocessing.get_context("fork")
    monkeypatch.setattr(fork_server, "start_fork_server", lambda: None)
    monkeypatch.setattr(pool.multiprocessing, "get_context", lambda _: forked)

    def searched(work: Any) -> None:
        monkeypatch.setattr(pool, "work", work)
        train_fold(search, 0, open_storage("", folder))

    return searched


def test_a_bug_in_a_worker_is_told_with_its_trace(searched: Any) -> None:
    def work(*_: Any) -> None:
        raise ZeroDivisionError("by nothing")

    with pytest.raises(RuntimeError, match=r"^worker [01] failed: ZeroDivisionError: by nothing\n") as raised:
        searched(work)
    assert "in work" in raised.value.__notes__[0]


def test_what_the_user_can_mend_stays_that(searched: Any) -> None:
    def work(*_: Any) -> None:
        raise UnreachableError("the search's journal does not answer")

    with pytest.raises(UnreachableError, match=r"^the search's journal does not answer$"):
        searched(work)


def test_killed_workers_are_told_where_none_is_left(searched: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def some(*_: Any) -> None:
        if multiprocessing.current_process().name == "worker 0":
            os._exit(9)

    searched(some)
    assert "1 of 2 workers were killed; the others went on" in capsys.readouterr().err
    with pytest.raises(pool.UserError, match="all workers of the search were killed"):
        searched(lambda *_: os._exit(9))
