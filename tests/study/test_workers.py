"""As many runs at once as there are cores, or as the GPUs hold."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from overcast.core.cores import LIMIT, cores
from overcast.core.devices import Machine, TrainerConfig, resolve_devices, this_machine
from overcast.core.errors import UserError
from overcast.study import workers
from overcast.study.workers import Workers, give_resources, plan_workers
from overcast.tracking.study_info import StudyInfo

FOUR = Machine(4, ("gpu",))
NONE = Machine(0, ())


def trainer(**changes: Any) -> TrainerConfig:
    return TrainerConfig(**changes)


def plan(*trainers: TrainerConfig, machine: Machine = FOUR, **launcher: Any) -> Workers:
    return plan_workers(OmegaConf.create({"n_jobs": -1} | launcher), trainers or [trainer()], machine)


def test_on_a_cpu_as_many_as_cores_or_as_asked_for() -> None:
    assert (plan(machine=NONE).jobs, plan(machine=NONE).slots) == (cores(), ())
    assert plan(machine=NONE, n_jobs=3).jobs == 3
    assert plan(machine=NONE, n_jobs=-cores()).jobs == plan(machine=NONE, n_jobs=-99).jobs == 1
    assert plan_workers(OmegaConf.create({}), [trainer()], NONE).jobs == 1  # Hydra's own launcher
    assert plan(trainer(accelerator="cpu")) == Workers(cores(), FOUR)
    with pytest.raises(UserError, match="n_jobs=0"):
        plan(n_jobs=0)
    with pytest.raises(UserError, match="batch_size=0: give how many jobs"):
        plan_workers(OmegaConf.create({"n_jobs": 2, "batch_size": 0}), [trainer()], NONE)
    assert plan_workers(OmegaConf.create({"n_jobs": 2, "batch_size": "auto"}), [trainer()], NONE).jobs == 2


def test_on_gpus_one_each_and_more_only_where_they_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert plan(machine=this_machine()).slots == ((0,), (1,), (2,))
    assert (plan().jobs, plan().slots) == (4, ((0,), (1,), (2,), (3,)))
    shared = plan(trainer(jobs_per_gpu=2))
    assert (shared.jobs, Counter(shared.slots)) == (8, Counter({(gpu,): 2 for gpu in range(4)}))
    assert shared.slots[:4] == plan().slots  # the first runs meet no other
    assert (plan(n_jobs=2).jobs, len(plan(n_jobs=2).slots)) == (2, 4)
    assert plan(n_jobs=-2).jobs == 3
    with pytest.raises(UserError, match=r"n_jobs=5: the GPUs here hold 4 run\(s\) at once.*jobs_per_gpu"):
        plan(n_jobs=5)


def test_a_run_of_several_processes_has_several_gpus() -> None:
    assert plan(trainer(devices=2)).slots == ((0, 1), (2, 3))
    assert plan(trainer(devices=3)).slots == ((0, 1, 2),)
    mixed = plan(trainer(devices=1), trainer(devices=2, jobs_per_gpu=2), trainer(accelerator="cpu"))
    assert (mixed.jobs, mixed.slots) == (2, ((0, 1), (2, 3)))


def test_the_launcher_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    joblib = SimpleNamespace(joblib={"n_jobs": -1})
    give_resources(joblib, plan())
    assert joblib.joblib == {"n_jobs": 4}
    ray: Any = {"remote": {}, "init": {}}
    cluster = SimpleNamespace(cluster_resources=lambda: {"CPU": 12.0})
    told: list[Any] = []
    monkeypatch.setattr(workers, "connect_ray", lambda *given: told.append(given) or cluster)
    for given, gpus in (
        (trainer(), 1),
        (trainer(devices=2, jobs_per_gpu=2), 2),
        (trainer(jobs_per_gpu=4), 0.25),
        (trainer(accelerator="cpu"), 0),
    ):
        launcher = SimpleNamespace(ray_cfg=OmegaConf.create(ray))
        planned = plan(given, ray=ray)
        give_resources(launcher, planned)
        assert launcher.ray_cfg.remote == {"num_cpus": 1, "num_gpus": gpus}
        assert planned.slots == ()  # Ray shows each of its workers its own
        assert (planned.jobs, planned.runs_per_machine) == (12, 1)
    assert plan(ray={"remote": {"num_cpus": 4}, "init": {"address": "there:1"}}).jobs == 3
    assert told[-1] == ({"address": "there:1"}, {LIMIT: "4"})  # a job counts the cores that it was given
    give_resources(SimpleNamespace(), plan())  # Hydra's own, one after the other


def test_slurm_gives_each_job_its_own() -> None:
    planned = plan(trainer(), machine=NONE, array_parallelism=256)
    assert (planned.jobs, planned.slots, planned.runs_per_machine) == (256, (), 1)
    study = StudyInfo("x", "x", "", planned.jobs, "", runs_per_machine=planned.runs_per_machine)
    assert resolve_devices(trainer(accelerator="cpu"), study.sharing, NONE).threads == cores()
    assert resolve_devices(trainer(accelerator="cpu"), StudyInfo("x", "x", "", 999, "").sharing, NONE).threads == 1
