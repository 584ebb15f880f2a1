"""Train one run: check everything first, then fit on the devices there are, recorded from start to end."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overcast.config.run_config import RunConfig
from overcast.core.atomic import writing
from overcast.core.devices import Devices, refuse_other_machine, this_machine
from overcast.core.errors import DivergedError, UnreachableError, UserError
from overcast.core.locks import is_locked, lock, try_lock
from overcast.core.paths import project_path
from overcast.core.system_errors import refusals_told
from overcast.prediction.build import build_mitigations, refuse_unfit
from overcast.prepare.folds import TRAIN
from overcast.prepare.missing_steps import prepare_missing
from overcast.tracking.create_run import create_run
from overcast.tracking.heartbeat import heartbeat
from overcast.tracking.late_record import late_run
from overcast.tracking.metadata import machine, provenance, recorded_params, run_tags
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.run import RunRecorder, run_status
from overcast.tracking.run_folder import Run, load_run
from overcast.tracking.store import TrackingStore, open_store
from overcast.tracking.study_info import StudyInfo
from overcast.training.first_weights import asked_for, first_config
from overcast.training.gpu_slots import own_gpus
from overcast.training.plan import Plan, make_plan

if TYPE_CHECKING:
    from pytorch_lightning import Callback

SEARCH = "search trial"
"""The role of a trial of `overcast.tuning`."""


def train(config: RunConfig) -> Run:
    """Train what ``config`` says into a folder of its own, and record it in MLflow.

    Raises: UserError for anything that the user can put right, before any training where possible.
    """
    if config.prepare:
        refuse_unfit(config)  # before minutes of fetching
        prepare_missing([config])
    plan = make_plan(config)
    store = open_store(config.tracking)
    if store:
        mark_orphaned_runs(store, config.runs_dir)
    return execute(plan, store)


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
    first = _first_weights(plan)
    with writing(project_path(config.runs_dir)):
        run = create_run(config)
    where = {"machine": machine(devices.ranks if devices.accelerator == "gpu" else 0)}
    facts = plan.facts()
    if first:
        facts |= {"first_weights": first.folder.name, "first_weights_seconds": first.facts["seconds"]}
    tags = provenance() | where | run_tags(config, facts, run.folder, study)
    print(_summary(plan, facts, run.folder), flush=True)
    with own_gpus(study) as gpus, try_lock(run.folder):
        record = _open_record(store, config, run, facts["name"], tags, study)
        with run_status(record), heartbeat(record), record.system_metrics():
            _begin(plan, run, record, study)
            shown = study is None or study.jobs == 1
            _record_fit(run, config, facts, devices.on(gpus), record, shown, first, watching)
    run.note_refused(record.refused)
    return run


def _begin(plan: Plan, run: Run, record: RunRecorder, study: StudyInfo | None) -> None:
    """Write what is known before the first epoch, in the place of what an earlier run left."""
    with writing(run.folder):
        run.clear()
        run.write_config(plan.config)
        run.write("parts.csv", "part\n" + "\n".join(plan.parts) + "\n")
        plan.pack.spec.save(run.path("spec.json"))
    run.write_record(study=study.id if study else "")
    if record.outbox:
        run.write_record(store=record.outbox.uri, outbox="" if record.id else record.outbox.path.name)


def _open_record(
    store: TrackingStore | None, config: RunConfig, run: Run, name: str, tags: dict[str, str], study: StudyInfo | None
) -> RunRecorder:
    """A new record, RUNNING. Raises: UnreachableError if the store takes none, and there is no study that goes on."""
    if not config.tracking.enabled or (store is None and study is None):
        return RunRecorder()
    try:
        if store:
            return store.create(name, tags, study.parent if study else "")
    except UnreachableError:
        if not (study and study.parent):
            if not config.run:
                shutil.rmtree(run.folder)
            raise
        print("overcast: MLflow takes no run: the study goes on, and this one is recorded later", file=sys.stderr)
    assert study
    return late_run(config.tracking, run.folder, name, tags, study.parent)


def _first_weights(plan: Plan) -> Run | None:
    """The run that this one starts from, if a mitigation wants one: made here, or by an earlier run.

    Raises: UserError as `execute` does.
    """
    mitigations = build_mitigations(plan.config.mitigation, plan.pack.spec.kind)
    asked = asked_for(mitigations, plan.config.data)
    if asked is None:
        return None
    config = first_config(plan.config, asked[1], mitigations)
    prepare_missing([config])
    first = make_plan(config)
    runs = Path(config.runs_dir)
    run = Run(runs / first.identity)
    with writing(runs):
        runs.mkdir(parents=True, exist_ok=True)
    if not run.path("run.json").exists() and is_locked(runs):
        print("first weights: waiting for another process that makes some", flush=True)
    with lock(runs):
        if not _is_whole(run):
            print(f"first weights: made once, by {config.epochs} epochs on {config.data.name}, and kept", flush=True)
            execute(replace(first, config=replace(config, run=str(run.folder))), None)
    return load_run(run.folder)


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
    watching: Sequence[Callback],
) -> None:
    """Fit, and record what goes in and what comes of it."""
    facts["id"] = record.id
    name = config.data.name
    record.params(recorded_params(config))
    record.dataset(name, facts["fingerprint"], str(Path(config.data_dir) / name), f"{len(run.parts)} samples")
    try:
        with refusals_told(run.folder):
            facts |= _fit(run, devices, record, facts["name"], shown, first, watching)
    except DivergedError:
        record.tags({"diverged": "true"})
        raise
    facts["weights"] = run.weights_hash()
    with writing(run.folder):
        run.write_facts(facts)
    record_outcome(record, run)


def _fit(
    run: Run,
    devices: Devices,
    record: RunRecorder,
    title: str,
    shown: bool,
    first: Run | None,
    watching: Sequence[Callback],
) -> dict[str, Any]:
    from overcast.training.distributed import launch
    from overcast.training.fit import fit

    if devices.ranks > 1:
        return launch(run, devices, record, title, shown, first)
    return fit(run, devices, record, title, shown, first, watching)


def record_outcome(record: RunRecorder, run: Run) -> None:
    """Log the summary figures and the run's files, as the end of a training or for a restored run."""
    facts = run.facts
    summary = {key: value for key, value in facts.items() if key.startswith("best/")}
    costs = (
        "seconds", "first_weights_seconds", "samples_per_second", "parameters", "multiply_adds", "epochs_run",
    )  # fmt: skip
    summary |= {f"cost/{name}": facts[name] for name in costs}
    record.metrics({name: value for name, value in summary.items() if not math.isnan(value)})
    record.tags({"weights": facts.get("weights", "")})  # by which a copy of this run is known again
    if run.config.role != SEARCH:
        record_files(record, run)


def record_files(record: RunRecorder, run: Run) -> None:
    """Log the run's files. Those of a search's trials are hundreds, of which one counts."""
    for path in sorted(run.folder.iterdir()):
        if path.suffix in (".yaml", ".json", ".csv", ".pt"):
            record.artifact(path, "run")
