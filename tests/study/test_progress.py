"""Jobs leave word of their state; the parent counts, says what failed, and how long it may take."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from overcast.config.script import Session
from overcast.study.progress import Watch, read_states, redirect, restore, set_state, unfinished, watched
from overcast.tracking.study_info import StudyInfo


@pytest.fixture
def parallel(tmp_path: Path) -> StudyInfo:
    """A study of two jobs at once."""
    (tmp_path / "jobs").mkdir()
    return StudyInfo("x-1", "x", "parent", 2, str(tmp_path))


def test_states_are_read_as_they_were_left(parallel: StudyInfo) -> None:
    set_state(parallel, 3, "running")
    set_state(parallel, 12, "failed", "no\nluck")
    set_state(parallel, 0, "running")
    set_state(parallel, 0, "done")
    assert read_states(parallel) == {0: ("done", ""), 3: ("running", ""), 12: ("failed", "no\nluck")}
    assert unfinished(parallel, range(5)) == ([3], [1, 2, 4])


class Bar:
    n, text = 0, ""

    def set_postfix_str(self, text: str, refresh: bool) -> None:
        self.text = text

    def refresh(self) -> None:
        pass


def test_the_line_counts_done_failed_and_left(parallel: StudyInfo) -> None:
    for job, state in enumerate(["done", "failed", "failed", "running"]):
        set_state(parallel, job, state)
    bar = Bar()
    watch = Watch(parallel, 10)
    watch.show(bar)
    assert (bar.n, bar.text) == (3, "2 failed, 7 left")
    (Path(parallel.folder) / "jobs" / "0000.state").unlink()  # what is done is not read again
    set_state(parallel, 1, "running")  # again, alone
    set_state(parallel, 3, "done")
    watch.show(bar)
    assert (bar.n, bar.text) == (3, "1 failed, 7 left")


def test_what_failed_is_said_once_with_its_reasons(parallel: StudyInfo) -> None:
    for job, reason in enumerate(["no luck\nat all", "", "no luck", ""]):
        set_state(parallel, job, "failed" if job != 1 else "done", reason)
    session = Session()
    Watch(parallel, 5).finish(session)
    (said,) = session.errors
    assert str(said) == (
        "3 of 5 runs failed:\n  2 × no luck\n  1 × it did not say why\n"
        f"What they printed: {parallel.folder}/jobs/0000.log, 0002.log, 0003.log.\n"
        "The same command again repeats only these."
    )
    Watch(replace(parallel, parent=""), 5).finish(session)  # nobody knows what is done with tracking off
    assert str(session.errors[0]).endswith("The same command again trains all of them.")
    for job in range(5):
        set_state(parallel, job, "done")
    Watch(parallel, 5).finish(session)
    assert session.errors == []
    Watch(parallel, 5).finish(session, {3: "no room"})  # not even for its state
    assert str(session.errors[0]).startswith("1 of 5 runs failed:\n  1 × no room\n")


def test_what_mlflow_refused_of_whole_runs_is_said(parallel: StudyInfo) -> None:
    session = Session()
    set_state(parallel, 0, "done", "metric 'x' (no such name)")
    set_state(parallel, 1, "done")
    Watch(parallel, 2).finish(session)
    (said,) = session.errors
    assert str(said) == "not recorded in MLflow: run 0: metric 'x' (no such name). The runs are whole."
    assert said.exit_code == 1


def test_a_new_round_forgets_the_old_and_ends_its_line(
    parallel: StudyInfo, config: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    set_state(parallel, 0, "failed", "no luck")
    with watched(parallel, [config()], 2) as watch:
        assert read_states(parallel) == {}
        for job in range(2):
            set_state(parallel, job, "done")
        watch.finish(Session())
    said = capsys.readouterr()
    assert "study x: 2 runs, 2 at once; the line below tells the time left once the first are through" in said.out
    assert "2/2 [" in said.err
    assert "0 failed, 0 left" in said.err


def test_all_that_a_job_prints_goes_to_its_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "0000.log"
    for attempt in ("first", "second"):
        copies = redirect(log)
        os.write(1, f"{attempt} out\n".encode())
        os.write(2, f"{attempt} err\n".encode())
        restore(copies)
    os.write(1, b"after\n")
    assert log.read_text() == "first out\nfirst err\nsecond out\nsecond err\n"
    assert capfd.readouterr().out == "after\n"
