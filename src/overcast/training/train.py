"""Train one run: check everything first, then fit on the devices there are, recorded from start to end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overcast.config.run_config import RunConfig
from overcast.core.atomic import writing
from overcast.core.console import show, warn
from overcast.core.devices import Devices, refuse_other_machine, this_machine
from overcast.core.errors import DamagedError, DivergedError, UserError
from overcast.core.launchers import launched_devices, torchrun_ranks
from overcast.core.locks import is_locked, lock, try_lock
from overcast.core.paths import project_path
from overcast.core.system_errors import refusals_told
from overcast.prediction.build import build_mitigations, refuse_unfit
from overcast.prepare.folds import TRAIN
from overcast.prepare.missing_steps import prepare_anew, prepare_missing
from overcast.tracking.create_run import create_run
from overcast.tracking.finished_run import load_run
from overcast.tracking.heartbeat import heartbeat
from overcast.tracking.metadata import machine, provenance, run_tags
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.run import RunRecorder, run_status
from overcast.tracking.run_folder import CHECKPOINT, Run
from overcast.tracking.store import TrackingStore, open_store
from overcast.tracking.study_info import StudyInfo
from overcast.training.first_weights import first_config, requested_first_run
from overcast.training.gpu_slots import own_gpus
from overcast.training.plan import Plan, make_plan
from overcast.training.recording import known_record, open_record, record_inputs, record_outcome
from overcast.training.resume import finished_run, interrupted_run
from overcast.training.warm_start import describe_start

if TYPE_CHECKING:
    from pytorch_lightning import Callback


def train(config: RunConfig) -> Run:
    """Train what ``config`` says into a folder of its own, and record it in MLflow.

    Raises: UserError for anything that the user can put right, before any training where possible.
    """
    plan = prepared_plan(config)
    store = open_store(config.tracking)
    if store:
        mark_orphaned_runs(store, config.runs_dir)
    if config.resume and not interrupted_run(plan) and (done := finished_run(plan)):
        show(f"already trained: {done.folder}")
        return done
    return execute(plan, store)


def prepared_plan(config: RunConfig) -> Plan:
    """The plan of a run, whose data is made first where that is asked for (``prepare=true``).

    Raises: UserError as `make_plan` and the steps do.
    """
    if config.prepare:
        refuse_unfit(config)  # this and the next before minutes of fetching
        launched_devices(config.trainer)
        prepare_missing([config])
    return make_plan(config)


def execute(
    plan: Plan, store: TrackingStore | None, study: StudyInfo | None = None, watching: Sequence[Callback] = ()
) -> Run:
    """Train what was planned, as a trial of ``study`` if given.

    store: None where nothing is recorded, or the store does not answer in a study's middle: then the run is recorded
    later. watching: see `overcast.training.fit.fit`; for a run of one process.

    Raises: UserError if this machine cannot do it, the disk is full, or the training diverges; UnreachableError if the
    store takes no run, and there is no study that could go on.
    """
    config, devices = plan.config, plan.devices
    refuse_other_machine(devices, config.trainer.precision, this_machine())
    first = first_run(plan)
    resumed = interrupted_run(plan, study.id if study else "") if config.resume else None
    if config.resume and not resumed:
        show("resume=true: there is no interrupted run of this config, so it begins at the start", flush=True)
    with writing(project_path(config.runs_dir)):
        run = resumed or create_run(config)
    where = {"machine": machine(devices.ranks if devices.accelerator == "gpu" else 0)}
    facts = plan.facts()
    if plan.start:
        show(describe_start(plan.start, plan.pack.spec), flush=True)
    elif first:
        facts |= {"first_weights": first.folder.name, "first_weights_seconds": first.facts["seconds"]}
    tags = provenance() | where | run_tags(config, facts, run.folder, study)
    show(_summary(plan, facts, run.folder), flush=True)
    with own_gpus(study) as gpus, try_lock(run.folder):
        if resumed:
            run.write_config(config)  # which DVC may have removed
        known = known_record(store, config, run) if resumed else None
        record = known or open_record(store, config, run, facts["name"], tags, study)
        with run_status(record), heartbeat(record), record.system_metrics(), _resume_hint(run, config, study):
            _begin(plan, run, record, study, clear=not resumed)
            if not known:
                record_inputs(run, config, facts, record)
            shown = study is None or study.jobs == 1
            _record_fit(run, config, facts, devices.on(gpus), record, shown, first, bool(resumed), watching)
    run.note_refused(record.refused)
    return run


@contextmanager
def _resume_hint(run: Run, config: RunConfig, study: StudyInfo | None) -> Iterator[None]:
    """Say what an interruption leaves to go on from, where it is a run that a command has asked for by itself."""
    asked = study is None and config.role == RunConfig.role
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if asked and run.path(CHECKPOINT).exists():
            warn(f"interrupted; the same command with resume=true goes on in {run.folder}")
        raise


def _begin(plan: Plan, run: Run, record: RunRecorder, study: StudyInfo | None, clear: bool) -> None:
    """Write what is known before the first epoch, if to ``clear`` in the place of what an earlier run left."""
    with writing(run.folder):
        if clear:
            run.clear()
        run.write_config(plan.config)
        run.write("parts.csv", "part\n" + "\n".join(plan.parts) + "\n")
        plan.pack.spec.save(run.path("spec.json"))
    run.write_record(study=study.id if study else "", identity=plan.identity, id=record.id)
    if record.outbox:
        run.write_record(store=record.outbox.uri, outbox="" if record.id else record.outbox.path.name)


def first_run(plan: Plan) -> Run | None:
    """The run that this one starts from: that of ``init_from``, or one that a mitigation wants, made now if need be.

    Raises: UserError as `execute` does.
    """
    if plan.start:
        return plan.start
    mitigations = build_mitigations(plan.config.mitigation, plan.pack.spec.kind)
    asked = requested_first_run(mitigations, plan.config.data)
    if asked is None:
        return None
    config = first_config(plan.config, asked[1], mitigations)
    runs = Path(config.runs_dir)
    with writing(runs):
        runs.mkdir(parents=True, exist_ok=True)
    first = _plan_of_first(config)
    run = Run(runs / first.identity)
    if not run.path("run.json").exists() and is_locked(runs):
        show("first weights: waiting for another process that makes some", flush=True)
    with lock(runs):
        if not _is_whole(run):
            show(f"first weights: made once, by {config.epochs} epochs on {config.data.name}, and kept", flush=True)
            execute(replace(first, config=replace(config, run=str(run.folder))), None)
    return load_run(run.folder)


def _plan_of_first(config: RunConfig) -> Plan:
    """The plan of a run to start from, whose data is made here: anew where it is damaged."""
    with suppress(DamagedError):
        return prepared_plan(config)
    with lock(Path(config.runs_dir)):  # of several runs at once the first makes it anew
        try:
            return prepared_plan(config)
        except DamagedError:
            show(f"first weights: their data in {config.data_dir} is damaged: made anew", flush=True)
        prepare_anew(config)
        return make_plan(config)


def _is_whole(run: Run) -> bool:
    """Whether it is there as it was trained, with its weights."""
    with suppress(UserError):
        return bool(load_run(run.folder).weights())
    return False


def _summary(plan: Plan, facts: dict[str, Any], folder: Path) -> str:
    """One line: what is trained, on what, how many weights it has, and where it will lie."""
    epochs = f"{plan.config.epochs} epoch{'s' * (plan.config.epochs > 1)}"
    if plan.config.debug:
        epochs = "two batches of them (debug)"
    on = f"{plan.devices.ranks} {plan.devices.accelerator.upper()}{'s' * (plan.devices.ranks > 1)}"
    return (
        f"{facts['name']} on {plan.config.data.name}: {(plan.parts == TRAIN).sum():,} train samples, "
        f"{facts['parameters']:,} weights, {epochs} on {on}, {facts['precision']}, into {folder}"
    )


def _record_fit(
    run: Run,
    config: RunConfig,
    facts: dict[str, Any],
    devices: Devices,
    record: RunRecorder,
    shown: bool,
    first: Run | None,
    resume: bool,
    watching: Sequence[Callback],
) -> None:
    """Fit, and record what comes of it."""
    facts["id"] = record.id
    try:
        with refusals_told(run.folder):
            facts |= _fit(run, devices, record, facts["name"], shown, first, resume, watching)
    except DivergedError:
        record.tags({"diverged": "true"})
        run.path(CHECKPOINT).unlink(missing_ok=True)
        raise
    if by := facts.get("ended_by"):
        show(f"{by}={config.trainer.max_time} is over: ended after epoch {facts['epochs_run']} of {config.epochs}")
        record.tags({"ended_by": by})
    facts["weights"] = run.weights_hash()
    with writing(run.folder):
        run.write_facts(facts)
    run.path(CHECKPOINT).unlink(missing_ok=True)
    record_outcome(record, run)


def _fit(
    run: Run,
    devices: Devices,
    record: RunRecorder,
    title: str,
    shown: bool,
    first: Run | None,
    resume: bool,
    watching: Sequence[Callback],
) -> dict[str, Any]:
    from overcast.training.distributed import launch
    from overcast.training.fit import fit
    from overcast.training.torchrun import fit_together

    if devices.ranks > 1 and torchrun_ranks(os.environ):
        return fit_together(run, devices, record, title, shown, first, resume)
    if devices.ranks > 1:
        return launch(run, devices, record, title, shown, first, resume)
    return fit(run, devices, record, title, shown, first, resume, watching)
