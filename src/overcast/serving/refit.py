"""Train a run again on its train and validation part together, as long as it was, to be used."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from overcast.config.run_config import RunConfig
from overcast.core.errors import UserError
from overcast.prediction.build import build_mitigations
from overcast.prepare.folds import TRAIN, VALIDATION
from overcast.tracking.find_run import REFIT
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.training.plan import Plan, make_plan
from overcast.training.train import execute


def plan_refit(config: RunConfig) -> Plan:
    """The same run on both parts: its validation rows are train rows, and by its fingerprint the split is another.

    Raises: UserError if a mitigation looks at the validation part, or the run trained on a fraction.
    """
    own = replace(config, run=None, resume=False, role=REFIT, study=type(config.study)(), claim=None)
    plan = make_plan(own)
    for name, mitigation in build_mitigations(config.mitigation, plan.pack.spec.kind).items():
        if mitigation.needs_validation:
            raise UserError(
                f"mitigation={name} decides by the validation part, which a training on train + validation does not "
                "have: register one of the study's runs as it is (run=best)"
            )
    parts = plan.parts.copy()
    parts[parts == VALIDATION] = TRAIN
    fingerprint = hashlib.sha256(f"{plan.fingerprint} train+validation".encode()).hexdigest()
    return replace(plan, parts=parts, fingerprint=fingerprint)


def refit(config: RunConfig, store: TrackingStore | None) -> Run:
    """Train it, and record it. Raises: UserError as `plan_refit` and `overcast.training.train.train` do."""
    return execute(plan_refit(config), store)
