"""One count of the cores for everyone, on every system."""

from __future__ import annotations

import os
import re

import pytest
from omegaconf import OmegaConf

from overcast.core.cores import cores
from overcast.core.devices import Machine, TrainerConfig, resolve_devices
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.prepare import decode
from overcast.study.workers import plan_workers
from overcast.tracking.metadata import machine

TRAINER = TrainerConfig(accelerator="cpu", devices=1, precision="32-true")


def counted() -> list[int]:
    """What each of those who count makes of it."""
    in_machine_name = int(machine().rsplit(", ", 1)[1].removesuffix(" cores"))
    jobs = plan_workers(OmegaConf.create({"n_jobs": -1}), [TRAINER], Machine(0, ())).jobs
    return [cores(), decode.cores(), resolve_devices(TRAINER).threads, jobs, in_machine_name]


def test_a_system_without_affinity_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS is."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert len(set(counted())) == 1
    assert counted()[0] >= 1


def test_everyone_counts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert counted() == [1] * 5


def test_a_limit_that_is_no_number_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "two")
    with pytest.raises(UserError, match="LOKY_MAX_CPU_COUNT=two: must be a whole number"):
        cores()


def test_nobody_counts_by_themselves() -> None:
    own = re.compile(r"os\.(cpu_count|sched_getaffinity|process_cpu_count)|multiprocessing\.cpu_count")
    code = [path for folder in ("src", "pipelines", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    assert len(code) > 100
    assert [path.name for path in code if own.search(path.read_text(encoding="utf8"))] == []
