"""How far a study is: one live line in the parent, a quiet job with a log file each in the workers."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from tqdm import tqdm

from overcast.config import mistakes
from overcast.errors import UserError
from overcast.study import Study, current

_kept: list[int] = []
"""Copies of a worker's own standard output and error while a job's log stands in for them."""


def redirect(log: Path) -> None:
    """Send all that this process and its libraries print to ``log``."""
    sys.stdout.flush()
    sys.stderr.flush()
    _kept[:] = [os.dup(1), os.dup(2)]
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def restore() -> None:
    """Undo `redirect`."""
    sys.stdout.flush()
    sys.stderr.flush()
    for number, copy in zip((1, 2), _kept, strict=False):
        os.dup2(copy, number)
        os.close(copy)
    _kept.clear()


def set_state(study: Study, job: int, state: str) -> None:
    """Leave word of a job's state where the parent counts: a file named as the job, holding the state."""
    (Path(study.folder) / "jobs" / f"{job:04d}.state").write_text(state, encoding="utf8")


def states(study: Study) -> Counter[str]:
    """How many jobs are running, done and failed."""
    files = (Path(study.folder) / "jobs").glob("*.state")
    return Counter(path.read_text(encoding="utf8") for path in files)


class Watch:
    """Counts states until the launcher comes back with the results."""

    def __init__(self, study: Study | None, jobs: list[list[str]]) -> None:
        self.study, self.jobs = study, jobs
        self.done = threading.Event()

    def run(self, bar: Any) -> None:
        """Keep the line up to date."""
        assert self.study is not None
        while not self.done.wait(0.5 if sys.stderr.isatty() else 30):  # a log file wants few lines
            self.show(bar)
        self.show(bar)

    def show(self, bar: Any) -> None:
        assert self.study is not None
        found = states(self.study)
        bar.n = found["done"] + found["failed"]
        bar.set_postfix_str(f"{found['failed']} failed, {len(self.jobs) - bar.n} left", refresh=False)
        bar.refresh()

    def finish(self, results: list[Any]) -> None:
        """Say which jobs failed, and make the exit code tell."""
        failed = [(job, result) for job, result in enumerate(results) if isinstance(result, BaseException)]
        if not failed:
            return
        folder = f"{self.study.folder}/jobs/" if self.study else ""
        reasons = Counter(str(result).splitlines()[0] for _, result in failed)
        lines = [f"  {count} × {reason}" for reason, count in reasons.most_common(5)]
        logs = ", ".join(f"{job:04d}.log" for job, _ in failed[:5])
        mistakes[:] = [
            UserError(
                f"{len(failed)} of {len(results)} runs failed:\n"
                + "\n".join(lines)
                + f"\nWhat they printed: {folder}{logs}. The same command again repeats only these."
            )
        ]


@contextmanager
def watched(config: DictConfig, jobs: list[list[str]]) -> Iterator[Watch]:
    """Show the study's progress while the launcher works; ``config`` is the first job's."""
    study = current()
    watch = Watch(study, jobs)
    if study is None:
        yield watch
        return
    for old in (Path(study.folder) / "jobs").glob("*.state"):
        old.unlink()
    several = study.jobs > 1
    print(f"study {study.name}: {len(jobs)} runs, {study.jobs} at once{_forecast(config, jobs, study)}", flush=True)
    bar = tqdm(
        total=len(jobs), desc=study.name, unit="run", disable=not several, dynamic_ncols=True, smoothing=0.1,
        mininterval=0 if sys.stderr.isatty() else 30,
    )  # fmt: skip
    thread = threading.Thread(target=watch.run, args=(bar,), daemon=True)
    if several:
        thread.start()
    try:
        yield watch
    finally:
        watch.done.set()
        if several:
            thread.join()
        bar.close()


def _forecast(config: DictConfig, jobs: list[list[str]], study: Study) -> str:
    """About how long it will take, from earlier runs of the same networks on the same data; "" if there are none."""
    from overcast.config import plain
    from overcast.study.lookup import seconds_of
    from overcast.tracking import open_store

    store = open_store(plain(config.tracking))
    seconds = seconds_of(store, plain(config), study.jobs) if store else None
    if not seconds:
        return "; the line below tells the time left once the first are through"
    minutes = seconds * len(jobs) / study.jobs / 60
    return f", about {minutes:.0f} minutes" if minutes >= 1.5 else ", about a minute"
