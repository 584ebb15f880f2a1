"""Which devices a run takes, how many processes, and the precision they are fast at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from overcast.core.cores import cores
from overcast.core.durations import seconds
from overcast.core.errors import UserError

ACCELERATORS = ("auto", "cpu", "gpu")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "64-true")
PROFILERS = ("simple", "advanced")
COMPILE_MODES = ("default", "reduce-overhead")
MAX_THREADS = 1024


@dataclass(frozen=True)
class Machine:
    """What decides the meaning of "auto". gpus: how many are visible. bf16: the accelerators that are fast at it."""

    gpus: int
    bf16: tuple[str, ...]


@dataclass(frozen=True)
class TrainerConfig:
    """accelerator and devices as Lightning names them; precision "auto" asks this machine what it is fast at.

    Raises: UserError for what no machine has.
    """

    accelerator: str = "auto"
    """auto, cpu or gpu; auto is a GPU where there is one."""
    devices: int = 0
    """0: every GPU there is, or one process on a CPU."""
    num_nodes: int = 1
    """Machines with so many devices each, which torchrun starts (`overcast.training.torchrun`)."""
    precision: str = "auto"
    """auto, 32-true, bf16-mixed, 16-mixed or 64-true; auto is bf16-mixed where it is fast, else 32-true."""
    threads: int = 0
    """CPU threads a process; 0: the machine's cores shared out."""
    jobs_per_gpu: int = 1
    """How many runs of a study share a GPU, where one does not fill it."""
    profiler: str | None = None
    """simple or advanced: where the time goes, printed and kept with the run."""
    gradient_clip_val: float | None = None
    """The greatest norm of the gradient of all weights together; a longer one is shortened to it."""
    accumulate_grad_batches: int = 1
    """How many batches make up one step of the optimiser: the same run as with batches so many times as large, but for
    batch norm, in the memory that one takes."""
    compile: str | None = None
    """default or reduce-overhead: torch.compile's modes; the latter records CUDA graphs on a GPU, which spares small
    networks the launching of kernels. Takes a C++ compiler, and half a minute at first."""
    max_time: str | None = None
    """After which time a run ends, such as ``10min``: with an epoch, and before the learning rate has come down."""

    def __post_init__(self) -> None:
        for name, choices in (("accelerator", ACCELERATORS), ("precision", ("auto", *PRECISIONS))):
            if getattr(self, name) not in choices:
                raise UserError(f"trainer.{name}={getattr(self, name)}: choices are {_listed(choices)}")
        if self.profiler not in (None, *PROFILERS):
            raise UserError(f"trainer.profiler={self.profiler}: choices are {_listed(PROFILERS)}")
        if self.compile not in (None, *COMPILE_MODES):
            raise UserError(f"trainer.compile={self.compile}: choices are {_listed(COMPILE_MODES)}")
        if self.devices < 0:
            raise UserError(f"trainer.devices={self.devices}: must be at least 1, or 0 for all there are")
        if self.num_nodes < 1:
            raise UserError(f"trainer.num_nodes={self.num_nodes}: must be at least 1")
        if not 0 <= self.threads <= MAX_THREADS:
            raise UserError(
                f"trainer.threads={self.threads}: must be from 1 to {MAX_THREADS}, or 0 to share out the cores"
            )
        if self.jobs_per_gpu < 1:
            raise UserError(f"trainer.jobs_per_gpu={self.jobs_per_gpu}: must be at least 1")
        if self.gradient_clip_val is not None and not 0 < self.gradient_clip_val < math.inf:
            raise UserError(f"trainer.gradient_clip_val={self.gradient_clip_val}: must be above 0, and a number")
        if self.accumulate_grad_batches < 1:
            raise UserError(f"trainer.accumulate_grad_batches={self.accumulate_grad_batches}: must be at least 1")
        if self.max_seconds == 0:
            raise UserError(f"trainer.max_time={self.max_time}: must be above 0")

    @property
    def max_seconds(self) -> float | None:
        """``max_time`` in seconds."""
        return None if self.max_time is None else seconds("trainer.max_time", str(self.max_time))


def _listed(choices: Sequence[str]) -> str:
    return f"{', '.join(choices[:-1])} and {choices[-1]}"


@dataclass(frozen=True)
class Devices:
    """accelerator: "cpu" or "gpu". ranks: processes, one a device. precision: Lightning's name. threads: each's.

    gpus: which of the visible ones, one a process; () on a CPU. num_nodes: machines that share the ranks, all with as
    many and with the same GPUs.
    """

    accelerator: str
    ranks: int
    precision: str
    threads: int
    gpus: tuple[int, ...] = ()
    num_nodes: int = 1

    @property
    def ranks_a_node(self) -> int:
        return self.ranks // self.num_nodes

    def on(self, gpus: tuple[int, ...]) -> Devices:
        """The same on these GPUs, where it takes any and some are given."""
        return replace(self, gpus=gpus[: self.ranks_a_node]) if self.gpus and gpus else self


def this_machine() -> Machine:
    """The one that this process is on, as far as it sees it."""
    import torch  # which takes seconds, and not all that know these names need it

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    fast = {"cpu": _cpu_is_fast_at_bf16(), "gpu": gpus > 0 and _gpu_is_fast_at_bf16()}
    return Machine(gpus, tuple(kind for kind, able in fast.items() if able))


def _cpu_is_fast_at_bf16() -> bool:
    """Whether the processor has bfloat16 arithmetic: emulated, it is ten times slower than float32."""
    import torch

    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def _gpu_is_fast_at_bf16() -> bool:
    import torch

    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def resolve_devices(trainer: TrainerConfig, jobs: int | None = None, machine: Machine | None = None) -> Devices:
    """What ``conf/trainer`` means on a machine, which is this one unless another is given.

    jobs: how many runs of a study are at once. Each has one device unless the trainer says how many: what a run
    is must not depend on how many are at once. None: a run of its own, which takes every GPU there is.

    Raises: UserError if it asks for more than there is.
    """
    machine = machine or this_machine()
    accelerator, n_devices = trainer.accelerator, trainer.devices
    if accelerator == "gpu" and not machine.gpus:
        raise UserError("trainer=gpu: no GPU is visible here. Use trainer=auto or trainer=cpu")
    kind = "gpu" if machine.gpus and accelerator != "cpu" else "cpu"
    here = n_devices or (machine.gpus if kind == "gpu" and jobs is None else 1)
    if kind == "gpu" and here > machine.gpus:
        raise UserError(f"trainer.devices={n_devices}: there are {machine.gpus} GPUs here")
    threads = trainer.threads or max(1, cores() // (here * (jobs or 1)))
    gpus = tuple(range(here)) if kind == "gpu" else ()
    precision = _precision(trainer.precision, kind in machine.bf16)
    return Devices(kind, here * trainer.num_nodes, precision, threads, gpus, trainer.num_nodes)


def measuring_device(trainer: TrainerConfig) -> str:
    """Where a run of this trainer is measured, as torch names it: on one of its own kind, in single precision."""
    import torch

    return "cuda" if trainer.accelerator != "cpu" and torch.cuda.is_available() else "cpu"


def _precision(precision: str, fast_at_bf16: bool) -> str:
    if precision != "auto":
        return precision
    return "bf16-mixed" if fast_at_bf16 else "32-true"


def refuse_other_machine(devices: Devices, precision: str, here: Machine) -> None:
    """Raises: UserError where a worker, on ``here``, cannot do what its study chose when it began.

    precision: as the trainer has it. One that it names is obeyed everywhere, emulated where it must be.
    """
    if len(devices.gpus) > here.gpus:
        lacking = f"{devices.ranks} GPU(s) a run, but this worker sees {here.gpus}"
    elif precision == "auto" and devices.precision == "bf16-mixed" and devices.accelerator not in here.bf16:
        lacking = "precision bf16-mixed, which this worker's hardware lacks"
    else:
        return
    raise UserError(
        f"this study began with {lacking}: all its runs must be alike. Give it workers of one kind, or ask for what "
        "all of them have, as in trainer.precision=32-true or trainer=cpu"
    )
