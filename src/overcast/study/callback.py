"""What happens around a study: its parent run is open before the jobs fan out, and closed whatever comes."""

from __future__ import annotations

import atexit
import hashlib
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from overcast import study as current_study
from overcast.config import fail, plain
from overcast.errors import UserError
from overcast.hold import hold
from overcast.study import Study
from overcast.study.progress import redirect, restore, set_state


class StudyCallback(Callback):  # type: ignore[misc] # hydra has no types
    """Hydra calls ``on_multirun_*`` in the parent and ``on_job_*`` in the workers, to which ``study`` travels."""

    study: Study | None = None
    record: Any = None
    parent_process: int = 0
    stack: ExitStack

    def __init__(self) -> None:
        self.stack = ExitStack()

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        try:
            self._open(config)
        except UserError as error:  # Hydra turns a callback's errors into warnings
            fail(str(error))

    def _open(self, config: DictConfig) -> None:
        from overcast.tracking import Record, bury, open_store

        name = config.get("study") or "sweep"
        key = study_id(name, config)
        folder = Path(config.runs_dir) / "studies" / key
        (folder / "jobs").mkdir(parents=True, exist_ok=True)
        self.stack.enter_context(hold(folder))
        store = open_store(plain(config.tracking))
        self.record = Record()
        if store:
            bury(store)
            self.record = store.study(key, name, {"folder": str(folder), "command": command()})
        self.study = Study(key, name, self.record.id, workers(config), str(folder))
        self.parent_process = os.getpid()
        self.store = store
        current_study.enter(self.study)
        atexit.register(self._close, "KILLED")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        self._close("FINISHED")
        if self.study and self.store:
            from overcast.study.links import links

            print(links(self.store, self.study.id, self.study.parent))

    def _close(self, status: str) -> None:
        """The parent's last word; on the way out early, also of the jobs that had none."""
        if self.record is None:
            return
        if status == "KILLED" and self.study and self.store:
            self.store.end_running(self.study.id)
        self.record.end(status)
        self.record = None
        self.stack.close()

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        current_study.enter(self.study)
        if self.study is None or os.getpid() == self.parent_process:
            return
        end_with(self.parent_process)
        redirect(Path(self.study.folder) / "jobs" / f"{config.hydra.job.num:04d}.log")
        set_state(self.study, config.hydra.job.num, "running")

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        if self.study is None:
            return
        failed = isinstance(job_return._return_value, BaseException)
        set_state(self.study, config.hydra.job.num, "failed" if failed else "done")
        if os.getpid() != self.parent_process:
            restore()

    def __getstate__(self) -> dict[str, Any]:
        """What travels to a worker: the study, not the parent's record."""
        return {"study": self.study, "parent_process": self.parent_process}


def study_id(name: str, config: DictConfig) -> str:
    """The study's name and a hash of all that it was asked: the same command gives the same id."""
    sweeper = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
    asked = [sorted(config.hydra.overrides.task), sweeper]
    return f"{name}-{hashlib.sha256(repr(asked).encode()).hexdigest()[:8]}"


def workers(config: DictConfig) -> int:
    """How many jobs the launcher runs at once."""
    launcher = config.hydra.launcher
    asked = int(launcher.get("n_jobs", 1))
    return asked if asked > 0 else len(os.sched_getaffinity(0))


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
