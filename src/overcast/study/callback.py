"""What happens around a study: its parent run is open before the jobs fan out, and closed whatever comes."""

from __future__ import annotations

import atexit
import os
import signal
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from overcast.config.run_config import RunConfig
from overcast.config.script import Job, Session
from overcast.core.console import show, warn
from overcast.core.errors import NotRecordedError, UnreachableError, UserError
from overcast.core.locks import try_lock
from overcast.core.paths import project_path
from overcast.core.signals import sigterm_exits
from overcast.study.lookup import CELL_LENGTH, UNDESCRIBED
from overcast.study.plan_tags import command, open_record, study_id
from overcast.study.progress import redirect, restore, set_state
from overcast.study.workers import Workers
from overcast.tracking.failures import listens, reason
from overcast.tracking.outbox import portable_uri
from overcast.tracking.run import MAX_TAG
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore, experiment_name
from overcast.tracking.study_info import StudyInfo

if TYPE_CHECKING:  # every job imports this
    from overcast.study.tuning import Choice


class StudyCallback(Callback):  # type: ignore[misc] # hydra has no types
    """The sweeper opens it, in the parent; Hydra calls ``on_job_*`` in the workers, to which ``study`` travels."""

    study: StudyInfo | None = None
    record: Any = None
    store: Any = None
    larger_is_better: Mapping[str, bool] = MappingProxyType({})
    """By column, of the outcomes that the study judges."""
    parent_process: int = 0
    session: Session | None = None
    runs_dir: str = ""
    output: Sequence[int] = ()
    """As `redirect` gives it, in a worker, while it runs a job."""
    numbers: Sequence[int] = ()
    """Which jobs of the study are launched: Hydra counts those of each launch from 0."""

    def __init__(self) -> None:
        self.stack, self.heartbeat = ExitStack(), ExitStack()
        self.failures: dict[int, str] = {}
        """Why jobs failed, by their numbers."""

    def open(
        self,
        configs: Sequence[RunConfig],
        session: Session,
        cells: Sequence[str],
        repeats: Sequence[str],
        runs: int,
        workers: Workers,
    ) -> StudyInfo:
        """The study of these cells' identities and repeats, RUNNING, and no other process's.

        configs: of a run of each cell. runs: how many trials it will have.

        Raises: UserError if another process is at it, or the tracking store can't be reached.
        """
        from overcast.study.outcomes import families
        from overcast.tracking.heartbeat import heartbeat

        config = configs[0]
        self.runs_dir = config.runs_dir
        self.larger_is_better = families(config.study.outcomes, config.study.margins).larger_is_better
        name, key = config.study.name or "sweep", study_id(config.study.name, cells, repeats)
        folder = project_path(config.runs_dir) / "studies" / key
        (folder / "jobs").mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(try_lock(folder))
            self.store, self.record = open_record(configs, command(session), folder, cells, len(repeats), runs)
            self.heartbeat.enter_context(heartbeat(self.record))
            atexit.register(self._close, "KILLED")
            stack.callback(atexit.unregister, self._close)
            stack.enter_context(sigterm_exits())
            self.stack = stack.pop_all()
        place = str(folder)
        self.study = StudyInfo(
            key, name, self.record.id, workers.jobs, place, workers.machine, workers.slots, workers.runs_per_machine
        )
        self.parent_process = os.getpid()
        self.session, session.study = session, self.study
        return self.study

    def equalise(self, contexts: Sequence[Mapping[str, RunConfig]]) -> dict[str, int]:
        """How many epochs each cell has in the baseline's training time: found out once, recorded and said.

        A study that goes on or is extended does so with the same. contexts: of each its cells, by their identities.

        Raises: UserError if they are more than can be recorded.
        """
        from overcast.study.equal_compute import study_epochs

        assert self.study
        found = self.store.search(study=self.study.id, role="study", limit=1) if self.store else []
        recorded = " ".join(parent.tags.get("epochs", "") for parent in found)
        known = {name: int(many) for name, _, many in (word.partition(":") for word in recorded.split())}
        epochs = study_epochs(contexts, known, self.study)
        tag = " ".join(f"{name}:{many}" for name, many in epochs.items())
        if len(tag) > MAX_TAG:
            raise UserError(f"study.equal=compute: {len(epochs)} cells are more than can be recorded. Give fewer")
        self.record.tags({"epochs": tag})
        return {name: epochs[name[:CELL_LENGTH]] for cells in contexts for name in cells}

    def chose(
        self, winners: Mapping[tuple[str, int], Choice], candidates: Collection[str], results: Sequence[Any]
    ) -> None:
        """Say and record which candidates won; as `overcast.study.tuning.record_choices` has them.

        results: of all jobs, in whose folders the choice is kept where the store does not answer.
        """
        from overcast.study.tuning import keep_choices, record_choices

        if self.study and self.store:
            try:
                record_choices(self.store, self.study.id, winners, candidates)
            except UnreachableError:
                keep_choices([run for run in results if isinstance(run, Run)], winners, candidates)
        counts = Counter(won.strengths for won in winners.values())
        told = ", ".join(f"{strengths} ({times}×)" for strengths, times in counts.items())
        show(f"chosen by validation: {told or 'nothing, since no group has a whole candidate'}", flush=True)

    def leave_out(self, cells: Sequence[tuple[RunConfig, Exception]]) -> None:
        """Say and record which cells, each with its config, are left out and why."""
        names = [" · ".join([c.data.name, c.model.name, c.mitigation_name]) for c, _ in cells]
        lines = "\n".join(dict.fromkeys(f"{name}: {why}" for name, (_, why) in zip(names, cells, strict=True)))
        if lines:
            show(f"left out:\n{lines}", flush=True)
        self.record.tags({"left_out": lines})

    def tell_verdict(self, describe: Callable[[TrackingStore, str], str]) -> None:
        """Say and record what the study found. describe: writes its description, and gives what to say.

        A verdict that there cannot be, or that is not written, costs the study nothing.
        """
        assert self.study
        try:
            show(describe(self.store, self.study.id), flush=True)
        except UnreachableError as error:
            where = f"{portable_uri(self.store.uri)}\n{experiment_name(self.store.settings)}"
            Path(self.study.folder, UNDESCRIBED).write_text(where, encoding="utf8")
            warn(f"no verdict yet ({reason(error)})", flush=True)
        except Exception as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            again = f"`python pipelines/compare.py study={self.study.id}` tells it"
            warn(f"no verdict yet ({why}); {again}", flush=True)

    def deliver(self) -> None:
        """Send what trials could not, if the store answers again."""
        from overcast.tracking.store import deliver_unsent

        if self.store:
            with suppress(Exception):  # there will be other times
                deliver_unsent(self.store, self.runs_dir)

    def end_dead_runs(self) -> None:
        """Mark the runs of workers that died as KILLED."""
        from overcast.tracking.orphans import end_trials

        if self.study and self.store and listens(self.store.uri):
            with suppress(Exception):  # a server that died costs the record, not the study
                end_trials(self.store, self.study.id)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        errors = self.session.errors if self.session else []
        self._close("FINISHED" if all(isinstance(each, NotRecordedError) for each in errors) else "FAILED")
        if self.study and self.store:
            self._tell_record(self.store, self.study)

    def _tell_record(self, store: TrackingStore, study: StudyInfo) -> None:
        """Where the study is in MLflow, and what of it is not there yet."""
        from overcast.tracking.delivery import unsent_files
        from overcast.tracking.ui_views import links
        from overcast.tracking.unrecorded import unsent_line

        with suppress(UnreachableError):
            show(links(store, study.id, study.parent, self.larger_is_better))
        folders = {path.parent for path in unsent_files(project_path(self.runs_dir))}
        folders |= {Path(study.folder)} if Path(study.folder, UNDESCRIBED).exists() else set()
        if folders:
            show(unsent_line(sorted(folders)), flush=True)

    def _close(self, status: str) -> None:
        """The parent's last word, and that of the jobs that had none: the workers are idle or gone by now."""
        if self.record is None:
            return
        if status == "KILLED":  # a second Ctrl-C shall not cut this short
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.end_dead_runs()
        self.heartbeat.close()
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
        with suppress(OSError, UserError):  # a full disk costs the log and the count; the job will say it
            if os.getpid() != self.parent_process:
                self.output = redirect(Path(self.study.folder) / "jobs" / f"{number:04d}.log")
            set_state(self.study, number, "running")

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        if self.study is None:
            return
        number, result = self.numbers[config.hydra.job.num], job_return._return_value
        failed = isinstance(result, BaseException)
        refused = result.record.get("refused", []) if isinstance(result, Run) else []
        if isinstance(result, Run) and self.study.parent and config.role == "trial":
            self._evaluate(result)
            refused = list(dict.fromkeys([*refused, *result.record.get("refused", [])]))
        with suppress(UserError):
            set_state(self.study, number, "failed" if failed else "done", str(result) if failed else "; ".join(refused))
        restore(self.output)
        self.output = []

    def _evaluate(self, run: Run) -> None:
        """Measure it here, beside other trials: looks and the verdict ask for it, which come in the parent alone."""
        from overcast.evaluation.evaluate import evaluate

        with suppress(Exception):  # the look, or the verdict, will say what is wrong with it
            if not run.metrics:
                evaluate(run, pictures=False)

    def __getstate__(self) -> dict[str, Any]:
        """What travels to a worker: the study, not the parent's record."""
        return {"study": self.study, "parent_process": self.parent_process, "numbers": self.numbers}
