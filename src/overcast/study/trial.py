"""One trial of a study: what was trained already is found instead of trained again."""

from __future__ import annotations

from overcast.config.run_config import RunConfig
from overcast.prepare.missing_steps import prepare_missing
from overcast.study.lookup import finished_run
from overcast.tracking.run_folder import Run
from overcast.tracking.store import open_store
from overcast.tracking.study_info import StudyInfo
from overcast.training.plan import make_plan
from overcast.training.train import execute


def run_trial(config: RunConfig, study: StudyInfo) -> Run:
    """The run of ``study`` that is what ``config`` says: the one there is, or a new one.

    Raises: UserError as `overcast.training.train.train` does.
    """
    if config.prepare:
        prepare_missing([config])
    plan = make_plan(config, study.jobs, study.machine)
    store = open_store(config.tracking)
    if done := finished_run(store, study, config.role, plan.identity):
        print(f"already trained: {done.folder}")
        return done
    return execute(plan, store, study)
