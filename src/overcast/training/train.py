"""Train one run: check everything first, then fit on the devices there are, recorded from start to end."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from overcast.config.run_config import RunConfig
from overcast.core.atomic import writing
from overcast.core.devices import Devices, refuse_other_machine, this_machine
from overcast.core.errors import DivergedError, UserError
from overcast.core.locks import try_lock
from overcast.core.paths import project_path
from overcast.prediction.build import refuse_unfit
from overcast.prepare.missing_steps import prepare_missing
from overcast.prepare.split import TRAIN
from overcast.tracking.metadata import machine, provenance, run_params, run_tags
from overcast.tracking.run import RunRecorder, run_status
from overcast.tracking.run_folder import Run, create_run
from overcast.tracking.store import TrackingStore, mark_orphaned_runs, open_store
from overcast.tracking.study_info import StudyInfo
from overcast.training.gpu_slots import own_gpus
from overcast.training.plan import Plan, make_plan


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
        mark_orphaned_runs(store)
    return execute(plan, store)


def execute(plan: Plan, store: TrackingStore | None, study: StudyInfo | None = None) -> Run:
    """Train what was planned, as a trial of ``study`` if given.

    Raises: UserError if this machine cannot do it, the disk is full, or the training diverges.
    """
    config, devices = plan.config, plan.devices
    refuse_other_machine(devices, config.trainer.precision, this_machine())
    with writing(project_path(config.runs_dir)):
        run = create_run(config)
    where = {"machine": machine(devices.ranks if devices.accelerator == "gpu" else 0)}
    facts = plan.facts()
    tags = provenance() | where | run_tags(config, facts, run.folder, study)
    print(_summary(plan, facts, run.folder), flush=True)
    with own_gpus(study) as gpus, try_lock(run.folder):
        with writing(run.folder):
            run.clear()
            run.write_config(config)
            run.write("parts.csv", "part\n" + "\n".join(plan.parts) + "\n")
            plan.pack.spec.save(run.path("spec.json"))
        parent = study.parent if study else ""
        record = store.create(facts["name"], tags, parent) if store else RunRecorder()
        _record_fit(run, config, facts, devices.on(gpus), record, shown=study is None or study.jobs == 1)
    if study and record.broken:
        raise UserError(
            f"MLflow stopped taking records ({record.broken}), and a study finds its runs there: run it again once "
            f"MLflow works. This run is whole in {run.folder}"
        )
    return run


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
    run: Run, config: RunConfig, facts: dict[str, Any], devices: Devices, record: RunRecorder, shown: bool
) -> None:
    """Fit, with the record open from start to end."""
    facts["id"] = record.id
    name = config.data.name
    with run_status(record):
        record.params(run_params(config) | {"parameters": facts["parameters"]})
        record.dataset(name, facts["fingerprint"], str(Path(config.data_dir) / name), f"{len(run.parts)} samples")
        try:
            facts |= _fit(run, devices, record, facts["name"], shown)
        except DivergedError:
            record.tags({"diverged": "true"})
            raise
        facts["weights"] = run.weights_hash()
        with writing(run.folder):
            run.write_facts(facts)
        record_outcome(record, run)


def _fit(run: Run, devices: Devices, record: RunRecorder, title: str, shown: bool) -> dict[str, Any]:
    from overcast.training.distributed import launch
    from overcast.training.fit import fit

    if devices.ranks > 1:
        return launch(run, devices, record, title, shown)
    return fit(run, devices, record, title, shown)


def record_outcome(record: RunRecorder, run: Run) -> None:
    """Log the summary figures and the run's files, as the end of a training or for a restored run."""
    facts = run.facts
    summary = {key: value for key, value in facts.items() if key.startswith("best/")}
    summary |= {f"cost/{k}": facts[k] for k in ("seconds", "samples_per_second", "multiply_adds", "epochs_run")}
    record.metrics({name: value for name, value in summary.items() if not math.isnan(value)})
    record.tags({"weights": facts.get("weights", "")})  # by which a copy of this run is known again
    for path in sorted(run.folder.iterdir()):
        if path.suffix in (".yaml", ".json", ".csv", ".pt"):
            record.artifact(path, "run")
