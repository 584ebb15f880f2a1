"""What is asked for is what this machine has, or a message; no test needs a GPU, which is made up where it matters."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from overcast.core.cores import cores
from overcast.core.devices import Machine, TrainerConfig, refuse_other_machine, resolve_devices, this_machine
from overcast.core.errors import UserError

CORES = cores()


def trainer_config(**changes: Any) -> TrainerConfig:
    return TrainerConfig(**changes)


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
    devices = resolve_devices(trainer_config())
    assert (devices.accelerator, devices.ranks, devices.threads) == ("cpu", 1, CORES)


@pytest.mark.usefixtures("no_gpu")
def test_cores_are_shared_out() -> None:
    assert resolve_devices(trainer_config(devices=2)).ranks == 2
    assert resolve_devices(trainer_config(devices=2)).threads == max(1, CORES // 2)
    assert resolve_devices(trainer_config(), jobs=64).threads == 1
    assert resolve_devices(trainer_config(threads=3), jobs=64).threads == 3


@pytest.mark.usefixtures("no_gpu")
def test_a_gpu_that_is_not_there_is_said() -> None:
    with pytest.raises(UserError, match="no GPU is visible"):
        resolve_devices(trainer_config(accelerator="gpu", devices=1))


@pytest.mark.usefixtures("two_gpus")
def test_all_gpus_for_one_run_and_one_each_for_many() -> None:
    assert (resolve_devices(trainer_config()).accelerator, resolve_devices(trainer_config()).ranks) == ("gpu", 2)
    assert resolve_devices(trainer_config()).gpus == (0, 1)
    for jobs in (1, 2, 8):  # how many are at once changes no run of a study
        assert (
            resolve_devices(trainer_config(), jobs).ranks,
            resolve_devices(trainer_config(devices=2), jobs).ranks,
        ) == (1, 2)
    assert resolve_devices(trainer_config(accelerator="cpu")).accelerator == "cpu"
    assert resolve_devices(trainer_config()).precision == "bf16-mixed"
    with pytest.raises(UserError, match=r"trainer\.devices=3: there are 2 GPUs"):
        resolve_devices(trainer_config(devices=3))


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("change", [{"accelerator": "tpu"}, {"precision": "8-bit"}, {"devices": -1}])
def test_what_does_not_exist_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=rf"trainer\.{next(iter(change))}={next(iter(change.values()))}"):
        resolve_devices(trainer_config(**change))


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(("able", "precision"), [({}, "32-true"), ({"avx512_bf16": True}, "bf16-mixed")])
def test_precision_is_what_the_processor_is_fast_at(
    able: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert resolve_devices(trainer_config()).precision == precision
    assert resolve_devices(trainer_config(precision="64-true")).precision == "64-true"


def test_a_study_decides_where_it_begins() -> None:
    """Its workers may see fewer GPUs, or more, than the machine that it began on."""
    began = Machine(gpus=4, bf16=("gpu",))
    devices = resolve_devices(trainer_config(), 4, began)
    assert (devices.accelerator, devices.ranks, devices.precision, devices.gpus) == ("gpu", 1, "bf16-mixed", (0,))
    assert resolve_devices(trainer_config(devices=2), 4, began).on((2, 3)).gpus == (2, 3)
    assert resolve_devices(trainer_config(), 4, began).on((2, 3)).gpus == (2,)
    bare = resolve_devices(trainer_config(), 4, Machine(0, ()))
    assert (bare.on((1,)), bare.accelerator, bare.precision, bare.gpus) == (bare, "cpu", "32-true", ())
    refuse_other_machine(bare, "auto", began)  # a worker that could do more does as the others


@pytest.mark.parametrize(
    ("trainer", "began", "here", "message"),
    [
        (
            trainer_config(),
            Machine(0, ("cpu",)),
            Machine(0, ()),
            "precision bf16-mixed, which this worker's hardware lacks",
        ),
        (trainer_config(), Machine(1, ("gpu",)), Machine(1, ()), "precision bf16-mixed"),
        (trainer_config(), Machine(2, ("gpu",)), Machine(0, ("cpu",)), r"1 GPU\(s\) a run, but this worker sees 0"),
        (
            trainer_config(devices=2),
            Machine(2, ("gpu",)),
            Machine(1, ("gpu",)),
            r"2 GPU\(s\) a run, but this worker sees 1",
        ),
        (trainer_config(precision="bf16-mixed"), Machine(0, ()), Machine(0, ()), None),  # named, so it is obeyed
        (trainer_config(accelerator="cpu"), Machine(2, ("gpu",)), Machine(0, ()), None),
        (trainer_config(), Machine(2, ("gpu",)), Machine(1, ("gpu",)), None),
    ],
)
def test_a_worker_obeys_or_says_why_not(
    trainer: TrainerConfig, began: Machine, here: Machine, message: str | None
) -> None:
    devices = resolve_devices(trainer, 2, began)
    if message is None:
        refuse_other_machine(devices, trainer.precision, here)
        return
    with pytest.raises(UserError, match=f"this study began with {message}"):
        refuse_other_machine(devices, trainer.precision, here)


@pytest.mark.usefixtures("two_gpus")
def test_what_this_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert this_machine() == Machine(2, ("cpu", "gpu"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert this_machine() == Machine(0, ("cpu",))
