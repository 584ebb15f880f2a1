"""What happens around a study: its parent run is open before the jobs fan out, and closed whatever comes."""

from __future__ import annotations

import atexit
import hashlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from overcast import study as current_study
from overcast.config import mistakes, name_of, plain
from overcast.errors import UserError
from overcast.hold import hold
from overcast.runs import mitigation_name
from overcast.study import Study
from overcast.study.progress import redirect, restore, set_state


class StudyCallback(Callback):  # type: ignore[misc] # hydra has no types
    """The sweeper opens it, in the parent; Hydra calls ``on_job_*`` in the workers, to which ``study`` travels."""

    study: Study | None = None
    record: Any = None
    store: Any = None
    parent_process: int = 0
    numbers: Sequence[int] = ()
    """Which jobs of the study are launched: Hydra counts those of each launch from 0."""

    def __init__(self) -> None:
        self.stack = ExitStack()

    def open(self, config: DictConfig, cells: Sequence[str], repeats: Sequence[str], runs: int) -> Study:
        """The study of these cells' identities and repeats, RUNNING, and no other process's.

        runs: how many trials it will have.

        Raises: UserError if another process is at it, or the tracking store can't be reached.
        """
        from overcast.tracking import Record, bury, open_store, relative

        name = config.get("study") or "sweep"
        key = study_id(name, cells, repeats)
        folder = Path(config.runs_dir) / "studies" / key
        (folder / "jobs").mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(hold(folder))
            self.store = open_store(plain(config.tracking))
            self.record = Record()
            if self.store:
                bury(self.store)
                tags = {"folder": relative(folder), "command": command(), "runs": str(runs)}
                tags |= {"claim": config.claim} if config.get("claim") else {}
                self.record = self.store.study(key, name, tags)
            atexit.register(self._close, "KILLED")
            stack.callback(atexit.unregister, self._close)
            before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
            stack.callback(signal.signal, signal.SIGTERM, before)
            self.stack = stack.pop_all()
        self.study = Study(key, name, self.record.id, workers(config), str(folder))
        self.parent_process = os.getpid()
        current_study.enter(self.study)
        return self.study

    def chose(self, cells: Sequence[Sequence[str]]) -> None:
        """Say and record which strengths won."""
        told = "; ".join(dict.fromkeys(cell for each in cells for cell in each))
        print(f"chosen by validation: {told}", flush=True)
        self.record.tags({"chosen": told})

    def leave_out(self, cells: Sequence[tuple[dict[str, Any], Exception]]) -> None:
        """Say and record which cells, each with its config, are left out and why."""
        names = [" · ".join([name_of(c["data"]), name_of(c["model"]), mitigation_name(c)]) for c, _ in cells]
        lines = "\n".join(dict.fromkeys(f"{name}: {why}" for name, (_, why) in zip(names, cells, strict=True)))
        if lines:
            print(f"left out:\n{lines}", flush=True)
        self.record.tags({"left_out": lines})

    def bury(self) -> None:
        """Mark the runs of workers that died as KILLED."""
        if self.study and self.store:
            with suppress(Exception):  # a server that died costs the record, not the study
                self.store.end_running(self.study.id)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        self._close("FAILED" if mistakes else "FINISHED")
        if self.study and self.store:
            from overcast.study.links import links

            print(links(self.store, self.study.id, self.study.parent))

    def _close(self, status: str) -> None:
        """The parent's last word, and that of the jobs that had none: the workers are idle or gone by now."""
        if self.record is None:
            return
        if status == "KILLED":  # a second Ctrl-C shall not cut this short
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.bury()
        self.record.end(status)
        self.record = None
        self.stack.close()
        current_study.enter(None)

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        current_study.enter(self.study)
        if self.study is None:
            return
        number = self.numbers[config.hydra.job.num]
        if os.getpid() != self.parent_process:
            if os.getppid() == self.parent_process:  # Ray ends its own
                end_with(self.parent_process)
            redirect(Path(self.study.folder) / "jobs" / f"{number:04d}.log")
        set_state(self.study, number, "running")

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        if self.study is None:
            return
        number, result = self.numbers[config.hydra.job.num], job_return._return_value
        failed = isinstance(result, BaseException)
        set_state(self.study, number, "failed" if failed else "done", str(result) if failed else "")
        if os.getpid() != self.parent_process:
            restore()

    def __getstate__(self) -> dict[str, Any]:
        """What travels to a worker: the study, not the parent's record."""
        return {"study": self.study, "parent_process": self.parent_process, "numbers": self.numbers}


def study_id(name: str, cells: Sequence[str], repeats: Sequence[str]) -> str:
    """The study's name and a hash of the runs in it: asked for the same runs again, it is the same study.

    An option file that was edited, or other data, makes another one, which is not compared with what came before.
    """
    return f"{name}-{hashlib.sha256(repr([*cells, *repeats]).encode()).hexdigest()[:8]}"


def workers(config: DictConfig) -> int:
    """How many jobs the launcher runs at once. Raises: UserError if it is to run none."""
    launcher, cores = config.hydra.launcher, len(os.sched_getaffinity(0))
    if "ray" in launcher:  # Ray gives each job its resources; how many fit is known for this machine only
        return max(2, cores // max(1, int(launcher.ray.remote.get("num_cpus", 1))))
    asked = int(launcher.get("n_jobs", 1))
    if not asked:
        raise UserError("hydra.launcher.n_jobs=0: give how many runs shall be at once, or -1 for as many as fit")
    return asked if asked > 0 else cores


def command() -> str:
    """What the user typed, without the picks put in front."""
    from overcast.config import typed

    return f"python {Path(sys.argv[0]).parent.name}/{Path(sys.argv[0]).name} {' '.join(typed())}"


_watching = False


def end_with(parent: int) -> None:
    """End this worker when the study's process is gone, even by SIGKILL: nobody would collect its result."""
    global _watching
    if _watching:
        return
    _watching = True

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    # an idle worker's own way out, past all that its libraries leave behind, takes seconds
    Finalize(None, os._exit, args=(0,), exitpriority=-1)  # after what cleans up
