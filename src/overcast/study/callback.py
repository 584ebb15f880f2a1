"""What happens around a study: its parent run is open before the jobs fan out, and closed whatever comes."""

from __future__ import annotations

import atexit
import hashlib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from overcast.config.run_config import RunConfig
from overcast.config.schema import TrackingConfig
from overcast.config.script import Job, Session
from overcast.core.locks import try_lock
from overcast.core.paths import project_path
from overcast.core.signals import sigterm_exits
from overcast.study.progress import redirect, restore, set_state
from overcast.study.workers import Workers
from overcast.tracking.study_info import StudyInfo


class StudyCallback(Callback):  # type: ignore[misc] # hydra has no types
    """The sweeper opens it, in the parent; Hydra calls ``on_job_*`` in the workers, to which ``study`` travels."""

    study: StudyInfo | None = None
    record: Any = None
    store: Any = None
    parent_process: int = 0
    session: Session | None = None
    numbers: Sequence[int] = ()
    """Which jobs of the study are launched: Hydra counts those of each launch from 0."""

    def __init__(self) -> None:
        self.stack = ExitStack()

    def open(
        self,
        config: DictConfig,
        session: Session,
        cells: Sequence[str],
        repeats: Sequence[str],
        runs: int,
        workers: Workers,
    ) -> StudyInfo:
        """The study of these cells' identities and repeats, RUNNING, and no other process's.

        runs: how many trials it will have.

        Raises: UserError if another process is at it, or the tracking store can't be reached.
        """
        from overcast.tracking.run import RunRecorder
        from overcast.tracking.store import mark_orphaned_runs, open_store, relative

        name = config.study.name or "sweep"
        key = study_id(name, cells, repeats)
        folder = project_path(config.runs_dir) / "studies" / key
        (folder / "jobs").mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(try_lock(folder))
            self.store = open_store(TrackingConfig(**config.tracking))
            self.record = RunRecorder()
            if self.store:
                mark_orphaned_runs(self.store)
                tags = {"folder": relative(folder), "command": command(session), "runs": str(runs)}
                tags |= {"claim": config.claim} if config.get("claim") else {}
                self.record = self.store.study(key, name, tags)
            atexit.register(self._close, "KILLED")
            stack.callback(atexit.unregister, self._close)
            stack.enter_context(sigterm_exits())
            self.stack = stack.pop_all()
        self.study = StudyInfo(key, name, self.record.id, workers.jobs, str(folder), workers.machine, workers.slots)
        self.parent_process = os.getpid()
        self.session, session.study = session, self.study
        return self.study

    def chose(self, cells: Sequence[Sequence[str]]) -> None:
        """Say and record which strengths won."""
        winners = "; ".join(dict.fromkeys(cell for each in cells for cell in each))
        print(f"chosen by validation: {winners}", flush=True)
        self.record.tags({"chosen": winners})

    def leave_out(self, cells: Sequence[tuple[RunConfig, Exception]]) -> None:
        """Say and record which cells, each with its config, are left out and why."""
        names = [" · ".join([c.data.name, c.model.name, c.mitigation_name]) for c, _ in cells]
        lines = "\n".join(dict.fromkeys(f"{name}: {why}" for name, (_, why) in zip(names, cells, strict=True)))
        if lines:
            print(f"left out:\n{lines}", flush=True)
        self.record.tags({"left_out": lines})

    def end_dead_runs(self) -> None:
        """Mark the runs of workers that died as KILLED."""
        if self.study and self.store:
            with suppress(Exception):  # a server that died costs the record, not the study
                self.store.end_running(self.study.id)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        self._close("FAILED" if self.session and self.session.errors else "FINISHED")
        if self.study and self.store:
            from overcast.tracking.ui_views import links

            print(links(self.store, self.study.id, self.study.parent))

    def _close(self, status: str) -> None:
        """The parent's last word, and that of the jobs that had none: the workers are idle or gone by now."""
        if self.record is None:
            return
        if status == "KILLED":  # a second Ctrl-C shall not cut this short
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.end_dead_runs()
        self.record.end(status)
        self.record = None
        self.stack.close()
        if self.session:
            self.session.study = None

    def on_job_start(self, config: DictConfig, task_function: Job, **_: Any) -> None:
        task_function.session.study = self.study
        if self.study is None:
            return
        number = self.numbers[config.hydra.job.num]
        if os.getpid() != self.parent_process:
            self.output = redirect(Path(self.study.folder) / "jobs" / f"{number:04d}.log")
        set_state(self.study, number, "running")

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        if self.study is None:
            return
        number, result = self.numbers[config.hydra.job.num], job_return._return_value
        failed = isinstance(result, BaseException)
        set_state(self.study, number, "failed" if failed else "done", str(result) if failed else "")
        if os.getpid() != self.parent_process:
            restore(self.output)

    def __getstate__(self) -> dict[str, Any]:
        """What travels to a worker: the study, not the parent's record."""
        return {"study": self.study, "parent_process": self.parent_process, "numbers": self.numbers}


def study_id(name: str, cells: Sequence[str], repeats: Sequence[str]) -> str:
    """The study's name and a hash of the runs in it: asked for the same runs again, it is the same study.

    An option file that was edited, or other data, makes another one, which is not compared with what came before.
    """
    return f"{name}-{hashlib.sha256(repr([*cells, *repeats]).encode()).hexdigest()[:8]}"


def command(session: Session) -> str:
    """What the user typed, without the defaults put in front."""
    return f"python {Path(sys.argv[0]).parent.name}/{Path(sys.argv[0]).name} {' '.join(session.user_overrides)}"
