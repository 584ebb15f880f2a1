"""How far a study is: one live line in the parent, a quiet job with a log file each in the workers."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from typing import Any

from overcast.config.run_config import RunConfig
from overcast.config.script import Session
from overcast.core.atomic import whole_file
from overcast.core.console import in_language, show
from overcast.core.errors import UserError
from overcast.core.progress import open_bar
from overcast.study.lookup import LIKE, estimated_seconds
from overcast.tracking.store import open_store
from overcast.tracking.study_info import StudyInfo
from overcast.tracking.unrecorded import not_recorded


def redirect(log: Path) -> list[int]:
    """Send all that this process and its libraries print to ``log``; copies of its own standard output and error."""
    sys.stdout.flush()
    sys.stderr.flush()
    copies = [os.dup(1), os.dup(2)]
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)  # a repeated one keeps the first
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    return copies


def restore(copies: Sequence[int]) -> None:
    """Undo `redirect`."""
    with suppress(OSError):  # no room on the log's disk
        sys.stdout.flush()
        sys.stderr.flush()
    for number, copy in zip((1, 2), copies, strict=False):
        os.dup2(copy, number)
        os.close(copy)


def set_state(study: StudyInfo, job: int, state: str, reason: str = "") -> None:
    """Leave word of a job where the parent counts: a file named as the job, with its state and why it failed."""
    whole_file(Path(study.folder) / "jobs" / f"{job:04d}.state", f"{state}\n{reason}")


def read_states(study: StudyInfo, leave_out: Collection[int] = ()) -> dict[int, tuple[str, str]]:
    """The state of each job that has begun, and why it failed. leave_out: jobs that are not asked about."""
    files = sorted((Path(study.folder) / "jobs").glob("*.state"))
    texts = {int(path.stem): path.read_text(encoding="utf8") for path in files if int(path.stem) not in leave_out}
    return {job: (text.partition("\n")[0], text.partition("\n")[2]) for job, text in texts.items()}


def unfinished(study: StudyInfo, jobs: Iterable[int]) -> tuple[list[int], list[int]]:
    """Of these jobs, those under way and those that have not begun."""
    states = read_states(study)
    running = [job for job in jobs if states.get(job, ("", ""))[0] == "running"]
    return running, [job for job in jobs if job not in states]


class Watch:
    """Counts states until the launcher is through. trained: how many of the jobs were done before it began."""

    def __init__(self, study: StudyInfo, jobs: int, trained: int = 0) -> None:
        self.study, self.jobs, self.trained = study, jobs, trained
        self.finished: set[int] = set()
        self.done = threading.Event()

    def run(self, bar: Any) -> None:
        """Keep the line up to date."""
        while not self.done.wait(0.5 if sys.stderr.isatty() else 30):  # a log file wants few lines
            self.show(bar)
        self.show(bar)

    def show(self, bar: Any) -> None:
        states = read_states(self.study, self.finished)
        self.finished |= {job for job, (state, _) in states.items() if state == "done"}
        counts = Counter(state for state, _ in states.values())
        bar.n = self.trained + len(self.finished) + counts["failed"]
        bar.set_postfix_str(in_language(f"{counts['failed']} failed, {self.jobs - bar.n} left"), refresh=False)
        bar.refresh()

    def finish(self, session: Session, failures: Mapping[int, str] | None = None) -> None:
        """Say which jobs failed, and make the exit code tell. failures: why those did that gave back an error."""
        states = {job: reason for job, (state, reason) in read_states(self.study).items() if state == "failed"}
        failed = dict(sorted({**(failures or {}), **states}.items()))
        session.errors.clear()  # one process's jobs leave theirs there
        if not failed:
            lines = [f"run {job}: {why}" for job, (_, why) in read_states(self.study).items() if why]
            session.errors += [not_recorded(lines, "The runs are whole.")] if lines else []
            return
        reasons = Counter((reason.splitlines() or ["it did not say why"])[0] for reason in failed.values())
        lines = [f"  {count} × {reason}" for reason, count in reasons.most_common(5)]
        logs = ", ".join(f"{job:04d}.log" for job in list(failed)[:5])
        # without a record, nobody knows which are done
        again = "The same command again repeats only these."
        if not self.study.parent:
            again = "The same command again trains all of them."
        told = [f"{len(failed)} of {self.jobs} runs failed:", *lines]
        if self.study.jobs > 1:
            told.append(f"What they printed: {self.study.folder}/jobs/{logs}.")
        told.append(again)
        session.errors.append(UserError("\n".join(told)))


@contextmanager
def watched(study: StudyInfo, cells: Sequence[RunConfig], jobs: int, trained: int = 0) -> Iterator[Watch]:
    """Show the study's progress while the launcher works; ``cells``: a config of each. trained: as `Watch` has it."""
    watch = Watch(study, jobs, trained)
    for old in (Path(study.folder) / "jobs").glob("*.state"):
        old.unlink()
    several = study.jobs > 1
    show(
        f"study {study.name}: {jobs} runs, {min(jobs, study.jobs)} at once"
        f"{_forecast(cells, jobs - trained, study) if trained < jobs else ''}",
        flush=True,
    )
    if trained:
        show(f"already trained: {trained:,} of {jobs:,} runs", flush=True)
    bar = open_bar(
        total=jobs, initial=trained, desc=study.name, unit="run", disable=not several, dynamic_ncols=True,
        smoothing=0.1, mininterval=0 if sys.stderr.isatty() else 30,
    )  # fmt: skip
    thread = threading.Thread(target=copy_context().run, args=(watch.run, bar), daemon=True)
    if several:
        thread.start()
    try:
        yield watch
    finally:
        watch.done.set()
        if several:
            thread.join()
        bar.close()


def _forecast(cells: Sequence[RunConfig], jobs: int, study: StudyInfo) -> str:
    """About how long it will take, from earlier runs of the same networks on the same data; "" if unknown.

    Where several are at once, a line shows it later.
    """
    store = open_store(cells[0].tracking)
    like: dict[str, list[RunConfig]] = {}
    for cell in cells:
        like.setdefault(repr([getattr(cell, key) for key in ("data", "model", *LIKE)]), []).append(cell)
    estimates = [
        (len(each), estimated_seconds(store, each[0], study.jobs) if store else None) for each in like.values()
    ]
    known = [(count, seconds) for count, seconds in estimates if seconds]
    if len(known) < len(estimates):
        return "; the line below tells the time left once the first are through" if study.jobs > 1 else ""
    mean = sum(count * seconds for count, seconds in known) / len(cells)
    minutes = mean * jobs / study.jobs / 60
    return f", about {minutes:.0f} minutes" if minutes >= 1.5 else ", about a minute"
