"""Train one run: check everything first, then fit on the devices there are, recorded from start to end."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from overcast.config.run_config import RunConfig
from overcast.core.atomic import writing
from overcast.core.devices import Devices, refuse_other_machine, resolve_devices, this_machine
from overcast.core.errors import DivergedError, UserError
from overcast.core.locks import try_lock
from overcast.core.paths import project_path
from overcast.prepare.missing_steps import prepare_missing
from overcast.prepare.split import TEST, TRAIN, read_parts, read_split_info
from overcast.study.lookup import finished_run
from overcast.study.session import Study
from overcast.study.workers import own_gpus
from overcast.tracking.metadata import machine, provenance, run_params, run_tags
from overcast.tracking.run import RunRecorder, run_status
from overcast.tracking.run_folder import Run, create_run, identity, run_name
from overcast.tracking.store import mark_orphaned_runs, open_store
from overcast.training.plan import check_config, draw_train_fraction


def train(config: RunConfig, study: Study | None = None) -> Run:
    """Train what ``config`` says into a folder of its own, and record it in MLflow.

    Raises: UserError for anything that the user can put right, before any training where possible.
    """
    from overcast.prediction.build import network_size
    from overcast.prediction.trained_network import open_config_pack
    from overcast.training.plan import check_plan

    check_config(config)
    if config.prepare:
        prepare_missing([config])
    pack = open_config_pack(config)
    cut = config.split
    name = config.data.name
    data_dir = project_path(config.data_dir)
    parts = read_parts(data_dir, name, cut.seed, cut.fold, config.folds, cut.ignore_groups)
    parts = draw_train_fraction(parts, config.train_fraction, config.seed)
    fingerprint = read_split_info(data_dir, name)["fingerprint"]
    here = this_machine()
    devices = (
        resolve_devices(config.trainer, study.jobs, study.machine or here) if study else resolve_devices(config.trainer)
    )
    check_plan(config, pack.spec, int((parts == TRAIN).sum()), devices.ranks)
    same = identity(config, fingerprint, devices)
    store = open_store(config.tracking)
    if study and (done := finished_run(store, study, config.role, same)):
        print(f"already trained: {done.folder}")
        return done
    refuse_other_machine(devices, config.trainer.precision, here)
    if store and not study:
        mark_orphaned_runs(store)
    with writing(project_path(config.runs_dir)):
        run = create_run(config)
    facts = {
        "id": "",
        "name": run_name(config),
        "identity": same,
        "precision": devices.precision,
        "processes": devices.ranks,
        "fingerprint": fingerprint,
        "pack": pack.info["fingerprint"],
        "synthetic": pack.info["synthetic"],
        "official_test": bool((pack.index["part"] == TEST).any()),
        "by_time": "time" in pack.info,
        **network_size(config.model, config.mitigation, pack.spec),
    }
    where = {"machine": machine(devices.ranks if devices.accelerator == "gpu" else 0)}
    tags = provenance() | where | run_tags(config, facts, run.folder, study)
    with own_gpus(study) as gpus, try_lock(run.folder):
        with writing(run.folder):
            run.clear()
            run.write_config(config)
            run.write("parts.csv", "part\n" + "\n".join(parts) + "\n")
            pack.spec.save(run.path("spec.json"))
        record = store.create(facts["name"], tags, study.parent if study else "") if store else RunRecorder()
        _recorded(run, config, facts, devices.on(gpus), record, study)
    return run


def _recorded(
    run: Run, config: RunConfig, facts: dict[str, Any], devices: Devices, record: RunRecorder, study: Study | None
) -> None:
    """Fit, with the record open from start to end."""
    facts["id"] = record.id
    name = config.data.name
    with run_status(record), writing(run.folder):
        record.params(run_params(config) | {"parameters": facts["parameters"]})
        record.dataset(name, facts["fingerprint"], str(Path(config.data_dir) / name), f"{len(run.parts)} samples")
        try:
            facts |= _fit(run, devices, record, facts["name"], shown=study is None or study.jobs == 1)
        except DivergedError:
            record.tags({"diverged": "true"})
            raise
        facts["weights"] = run.weights_hash()
        run.write_facts(facts)
        record_outcome(record, run)
    if study and record.broken:
        raise UserError(
            f"MLflow stopped taking records ({record.broken}), and a study finds its runs there: run it again once "
            f"MLflow works. This run is whole in {run.folder}"
        )


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
