"""How many runs of a study are at once, and on which GPUs: settled when it begins, and obeyed by its workers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from overcast.core.cores import LIMIT, cores
from overcast.core.devices import Machine, TrainerConfig, resolve_devices
from overcast.core.errors import UserError
from overcast.core.launchers import torchrun_ranks
from overcast.core.ray_cluster import connect_ray


@dataclass(frozen=True)
class Workers:
    """As `StudyInfo` has them. gpus_a_run: for a launcher that gives them out itself."""

    jobs: int
    machine: Machine
    slots: tuple[tuple[int, ...], ...] = ()
    gpus_a_run: float = 0
    runs_per_machine: int | None = None


def plan_workers(launcher: DictConfig, trainers: Sequence[TrainerConfig], machine: Machine) -> Workers:
    """The workers of a study whose runs have these ``conf/trainer`` settings.

    launcher: Hydra's. On a CPU there are as many runs at once as cores; on GPUs as many as those hold, each run on
    its own.

    Raises: UserError where the launcher is asked for more, or for none.
    """

    chosen = [resolve_devices(trainer, 1, machine) for trainer in trainers]
    each = max(len(devices.gpus) for devices in chosen)
    shared = min((t.jobs_per_gpu for t, devices in zip(trainers, chosen, strict=True) if devices.gpus), default=1)
    if torchrun_ranks(os.environ) and {"ray", "array_parallelism"} & {*launcher}:
        raise UserError("torchrun's processes train one run after the other: leave hydra/launcher out")
    if "ray" in launcher:  # which has its own way of giving each job its GPU
        settings: Any = OmegaConf.to_container(launcher.ray)
        cpus = max(1, int(settings["remote"].get("num_cpus", 1)))
        ray = connect_ray(settings["init"], {LIMIT: str(cpus)})
        jobs = max(2, int(ray.cluster_resources().get("CPU", 1) // cpus))
        return Workers(jobs, machine, gpus_a_run=each if each > 1 else each / shared, runs_per_machine=1)
    if "array_parallelism" in launcher:  # SLURM's queue gives each job its cores and GPUs
        return Workers(int(launcher.array_parallelism), machine, runs_per_machine=1)
    groups = [tuple(range(first, first + each)) for first in range(0, machine.gpus - each + 1, each)] if each else []
    slots = tuple(groups * shared)
    return Workers(asked_jobs(launcher, len(slots)), machine, slots)


def asked_jobs(launcher: DictConfig, slots: int = 0) -> int:
    """joblib's ``n_jobs``, which counts from the number of cores (of ``slots``, on GPUs) downwards where negative.

    Raises: UserError if it is none, or more than there are slots.
    """
    if torchrun_ranks(os.environ):  # whose processes share each run
        return 1
    asked = int(launcher.get("n_jobs", 1))
    if asked == 0:
        raise UserError("hydra.launcher.n_jobs=0: give how many runs shall be at once, or -1 for as many as fit")
    if (batch := launcher.get("batch_size", 1)) != "auto" and int(batch) < 1:
        raise UserError(f"hydra.launcher.batch_size={batch}: give how many jobs a worker takes at a time, 1 or more")
    if slots and asked > slots:
        raise UserError(
            f"hydra.launcher.n_jobs={asked}: the GPUs here hold {slots} run(s) at once. Let more share one with "
            "trainer.jobs_per_gpu, or use trainer=cpu"
        )
    return asked if asked > 0 else max(1, (slots or cores()) + 1 + asked)


def give_resources(launcher: Any, workers: Workers) -> None:
    """Tell Hydra's launcher: joblib how many jobs are at once, Ray what each of them takes."""
    if (ray := getattr(launcher, "ray_cfg", None)) is not None:
        ray.remote = {"num_cpus": 1, "num_gpus": workers.gpus_a_run, **ray.remote}
    elif (joblib := getattr(launcher, "joblib", None)) is not None:
        joblib["n_jobs"] = workers.jobs
