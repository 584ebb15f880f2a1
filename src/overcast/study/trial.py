"""One trial of a study: what was trained already is found instead of trained again."""

from __future__ import annotations

from overcast.config.run_config import RunConfig
from overcast.core.console import show, warn
from overcast.core.errors import UnreachableError
from overcast.prepare.missing_steps import prepare_missing
from overcast.study.lookup import finished_folder, finished_run
from overcast.tracking.late_record import reopen_store
from overcast.tracking.run_folder import Run
from overcast.tracking.study_info import StudyInfo
from overcast.training.plan import make_plan
from overcast.training.train import execute


def run_trial(config: RunConfig, study: StudyInfo) -> Run:
    """The run of ``study`` that is what ``config`` says: the one there is, or a new one.

    Raises: UserError as `overcast.training.train.train` does.
    """
    if config.prepare:
        prepare_missing([config])
    plan = make_plan(config, study.sharing, study.machine)
    try:
        store = reopen_store(config.tracking)
        done = finished_run(store, study, config.role, plan.identity)
        done = done or finished_folder(config, study, plan.identity, unsent=True)
    except UnreachableError:
        warn("MLflow does not answer: the study goes on, and this run is recorded later")
        store, done = None, finished_folder(config, study, plan.identity, unsent=False)
    if done:
        show(f"already trained: {done.folder}")
        return done
    return execute(plan, store, study)
