"""What is asked for is what this machine has, or a message; no test needs a GPU, which is made up where it matters."""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch

from overcast.devices import choose
from overcast.errors import UserError

CORES = len(os.sched_getaffinity(0))


def asked(**changes: Any) -> dict[str, Any]:
    return {"accelerator": "auto", "devices": 0, "precision": "auto", "threads": 0, "profiler": None} | changes


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_auto_is_one_process_on_all_cores() -> None:
    found = choose(asked())
    assert (found.accelerator, found.ranks, found.threads) == ("cpu", 1, CORES)


@pytest.mark.usefixtures("no_gpu")
def test_cores_are_shared_out() -> None:
    assert choose(asked(devices=2)).ranks == 2
    assert choose(asked(devices=2)).threads == max(1, CORES // 2)
    assert choose(asked(), jobs=64).threads == 1
    assert choose(asked(threads=3), jobs=64).threads == 3


@pytest.mark.usefixtures("no_gpu")
def test_a_gpu_that_is_not_there_is_said() -> None:
    with pytest.raises(UserError, match="no GPU is visible"):
        choose(asked(accelerator="gpu", devices=1))


@pytest.mark.usefixtures("two_gpus")
def test_all_gpus_for_one_run_and_one_each_for_many() -> None:
    assert (choose(asked()).accelerator, choose(asked()).ranks) == ("gpu", 2)
    assert choose(asked(), jobs=2).ranks == 1
    assert choose(asked(accelerator="cpu")).accelerator == "cpu"
    assert choose(asked()).precision == "bf16-mixed"
    with pytest.raises(UserError, match=r"trainer\.devices=3: there are 2 GPUs"):
        choose(asked(devices=3))


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("change", [{"accelerator": "tpu"}, {"precision": "8-bit"}, {"devices": -1}])
def test_what_does_not_exist_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=rf"trainer\.{next(iter(change))}={next(iter(change.values()))}"):
        choose(asked(**change))


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(("able", "precision"), [({}, "32-true"), ({"avx512_bf16": True}, "bf16-mixed")])
def test_precision_is_what_the_processor_is_fast_at(
    able: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert choose(asked()).precision == precision
    assert choose(asked(precision="64-true")).precision == "64-true"
