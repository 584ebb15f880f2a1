"""Which devices a run takes, how many processes, and the precision they are fast at."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch

from overcast.errors import UserError


@dataclass(frozen=True)
class Devices:
    """accelerator: "cpu" or "gpu". ranks: processes, one a device. precision: Lightning's name. threads: each's."""

    accelerator: str
    ranks: int
    precision: str
    threads: int


def choose(trainer: dict[str, Any], jobs: int = 1) -> Devices:
    """What ``conf/trainer`` means on this machine, with ``jobs`` runs at once.

    Raises: UserError if it asks for more than there is.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    accelerator, asked = trainer["accelerator"], trainer["devices"]
    if accelerator not in ("auto", "cpu", "gpu"):
        raise UserError(f"trainer.accelerator={accelerator}: choices are auto, cpu and gpu")
    if accelerator == "gpu" and not gpus:
        raise UserError("trainer=gpu: no GPU is visible here. Use trainer=auto or trainer=cpu")
    on_gpu = gpus > 0 and accelerator != "cpu"
    ranks = asked or (gpus if on_gpu and jobs == 1 else 1)
    if ranks < 1 or (on_gpu and ranks > gpus):
        raise UserError(f"trainer.devices={asked}: there are {gpus} GPUs here")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = trainer["threads"] or max(1, cores // (ranks * jobs))
    return Devices("gpu" if on_gpu else "cpu", ranks, _precision(trainer["precision"], on_gpu), threads)


def _precision(asked: str, on_gpu: bool) -> str:
    known = ("32-true", "bf16-mixed", "16-mixed", "64-true")
    if asked not in ("auto", *known):
        raise UserError(f"trainer.precision={asked}: choices are auto, {', '.join(known)}")
    if asked != "auto":
        return asked
    return "bf16-mixed" if _bf16_is_fast(on_gpu) else "32-true"


def _bf16_is_fast(on_gpu: bool) -> bool:
    """Whether the hardware has bfloat16 arithmetic: emulated, it is ten times slower than float32."""
    if on_gpu:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
