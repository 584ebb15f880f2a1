"""Train one run: check everything first, then fit on the devices there are, recorded from start to end."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from overcast import options
from overcast.atomic import writing
from overcast.config import name_of
from overcast.devices import Devices, choose
from overcast.errors import DivergedError, IncompatibleError, UserError
from overcast.hold import hold
from overcast.prepare.ready import prepare
from overcast.prepare.split import TEST, TRAIN, UNUSED, read_about, read_parts
from overcast.provenance import machine, provenance
from overcast.runs import Run, create, identity, mitigation_name, run_name
from overcast.study import Study
from overcast.study.lookup import finished
from overcast.tracking import Record, bury, ending, open_store, relative

FEWEST = 2
"""Train rows that a run needs: one alone has no spread, which batch norm divides by."""

MOST_THREADS = 1024

PLAIN = ("seed", "epochs", "batch_size", "lr", "share", "shuffle", "debug")


def train(config: dict[str, Any], study: Study | None = None) -> Run:
    """Train what ``config`` says into a folder of its own, and record it in MLflow.

    Raises: UserError for anything that the user can put right, before any training where possible.
    """
    from overcast.fit import pack_of, size
    from overcast.plan import check_plan

    check(config)
    if config["prepare"]:
        prepare([config])
    pack = pack_of(config)
    cut = config["split"]
    name = name_of(config["data"])
    parts = read_parts(Path(config["data_dir"]), name, cut["seed"], cut["fold"], cut["folds"], cut["random"])
    parts = keep_share(parts, config["share"], config["seed"])
    fingerprint = read_about(Path(config["data_dir"]), name)["fingerprint"]
    devices = choose(config["trainer"], study.jobs if study else 1)
    check_plan(config, pack.spec, int((parts == TRAIN).sum()), devices.ranks)
    store = open_store(config["tracking"])
    if study and (done := finished(store, study, config, fingerprint)):
        print(f"already trained: {done.folder}")
        return done
    if store and not study:
        bury(store)
    with writing(Path(config["runs_dir"])):
        run = create(config)
    facts = {
        "id": "",
        "name": run_name(config),
        "identity": identity(config, fingerprint),
        "fingerprint": fingerprint,
        "pack": pack.info["fingerprint"],
        "synthetic": pack.info["synthetic"],
        "official_test": bool((pack.index["part"] == TEST).any()),
        "by_time": "time" in pack.info,
        **size(config, pack.spec),
    }
    where = {"machine": machine(devices.ranks if devices.accelerator == "gpu" else 0)}
    tags = provenance() | where | run_tags(config, facts, run.folder, study)
    with hold(run.folder):
        with writing(run.folder):
            run.clear()
            run.write("config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
            run.write("parts.csv", "part\n" + "\n".join(parts) + "\n")
            pack.spec.save(run.path("spec.json"))
        record = store.create(facts["name"], tags, study.parent if study else "") if store else Record()
        _recorded(run, config, facts, devices, record, study)
    return run


def _recorded(
    run: Run, config: dict[str, Any], facts: dict[str, Any], devices: Devices, record: Record, study: Study | None
) -> None:
    """Fit, with the record open from start to end."""
    facts["id"] = record.id
    name = name_of(config["data"])
    with ending(record), writing(run.folder):
        record.params(params(config) | {"parameters": facts["parameters"]})
        record.dataset(name, facts["fingerprint"], str(Path(config["data_dir"]) / name), f"{len(run.parts)} samples")
        try:
            facts |= _fit(run, devices, record, facts["name"], shown=study is None or study.jobs == 1)
        except DivergedError:
            record.tags({"diverged": "true"})
            raise
        run.write_facts(facts)
        record_outcome(record, run)
    if study and record.broken:
        raise UserError(
            f"MLflow stopped taking records ({record.broken}), and a study finds its runs there: run it again once "
            f"MLflow works. This run is whole in {run.folder}"
        )


def check(config: dict[str, Any]) -> None:
    """Raises: UserError for numbers out of range; IncompatibleError for what cannot go together."""
    for name, low in (("epochs", 1), ("batch_size", 2)):
        if config[name] < low:
            raise UserError(f"{name}={config[name]}: must be at least {low}")
    if not 0 <= (threads := config["trainer"]["threads"]) <= MOST_THREADS:
        raise UserError(f"trainer.threads={threads}: must be from 1 to {MOST_THREADS}, or 0 to share out the cores")
    if (profiler := config["trainer"]["profiler"]) not in (None, "simple", "advanced"):
        raise UserError(f"trainer.profiler={profiler}: choices are simple and advanced")
    if config["trainer"]["precision"] == "16-mixed" and "sam" in config["mitigation"]:
        raise IncompatibleError(
            "mitigation=sam looks at the gradients twice a step, which the loss scaling of 16-mixed does not allow: "
            "set trainer.precision to bf16-mixed or 32-true"
        )
    if not 0 < config["lr"] < math.inf:
        raise UserError(f"lr={config['lr']}: must be above 0, and a number")
    if not 0 < config["share"] <= 1:
        raise UserError(f"share={config['share']}: must be above 0 and at most 1")


def keep_share(parts: np.ndarray, share: float, seed: int) -> np.ndarray:
    """The parts (N,) of a run that trains on this share of the train rows, drawn by ``seed`` alone.

    The rest become "unused", so that whatever reads a run's parts sees only rows that it was trained on.

    Raises: UserError if fewer than two rows are left.
    """
    import torch

    from overcast.seeding import generator

    train = np.flatnonzero(parts == TRAIN)
    count = round(share * len(train))
    if count < FEWEST:
        raise UserError(f"share={share} leaves {count} of {len(train)} train rows: at least {FEWEST} are needed")
    order = torch.randperm(len(train), generator=generator(seed, "share", 0)).numpy()
    kept = parts.copy()
    kept[train[order[count:]]] = UNUSED
    return kept


def params(config: dict[str, Any]) -> dict[str, Any]:
    """The config as flat, clean MLflow parameters, the same names for every run."""
    flat: dict[str, Any] = {name: config[name] for name in PLAIN}
    flat |= {"data": name_of(config["data"]), "model": name_of(config["model"])}
    flat |= {"mitigation": mitigation_name(config), "fold": config["split"]["fold"]}
    flat |= {"split_seed": config["split"]["seed"], "folds": config["split"]["folds"]}
    flat |= {"split_random": config["split"]["random"]}
    for group in ("data", "model"):
        flat |= {f"{group}.{key}": value for key, value in options.numbers(config[group]).items()}
    for name, option in config["mitigation"].items():
        flat |= {f"mitigation.{name}.{key}": value for key, value in options.numbers(option).items()}
    return flat


def run_tags(config: dict[str, Any], facts: dict[str, Any], folder: Path, study: Study | None) -> dict[str, str]:
    """What a run carries whoever records it: where its data comes from, and the study it belongs to."""
    tags = {"role": config["role"], "folder": relative(folder), "study": study.id if study else ""}
    tags |= {"jobs": str(study.jobs if study else 1)}
    tags |= {name: str(facts[name]) for name in ("identity", "fingerprint", "synthetic", "multiply_adds")}
    tags |= {f"tag.{tag}": "true" for tag in config["tags"]}
    return {key: value for key, value in tags.items() if value}


def _fit(run: Run, devices: Devices, record: Record, title: str, shown: bool) -> dict[str, Any]:
    from overcast.fit import fit
    from overcast.ranks import launch

    if devices.ranks > 1:
        return launch(run, devices, record, title, shown)
    return fit(run, devices, record, title, shown)


def record_outcome(record: Record, run: Run) -> None:
    """Log the summary figures and the run's files, as the end of a training or for a restored run."""
    facts = run.facts
    summary = {key: value for key, value in facts.items() if key.startswith("best/")}
    summary |= {f"cost/{k}": facts[k] for k in ("seconds", "samples_per_second", "multiply_adds", "epochs_run")}
    record.metrics(summary)
    for path in sorted(run.folder.iterdir()):
        if path.suffix in (".yaml", ".json", ".csv", ".pt"):
            record.artifact(path, "run")
