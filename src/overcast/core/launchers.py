"""What launchers (torchrun, SLURM, jsrun) say of their processes in the environment.

A run starts its own processes and tells them their ranks itself, but for torchrun, which can start them on several
machines. Lightning reads all of these variables, and one that holds no number, as a script that was copied in half may
leave it, ends it with a ValueError.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

from overcast.core.devices import Devices, Machine, TrainerConfig, resolve_devices
from overcast.core.errors import UserError

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "WORLD_SIZE", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""What Lightning and torch take for a number when they are imported, or a Trainer is made."""


TORCHRUN = "TORCHELASTIC_RUN_ID"
"""Which torchrun alone sets, for the processes that it starts and theirs."""


START = "torchrun --nnodes={nodes} --nproc-per-node={each} --rdzv-backend=c10d --rdzv-endpoint=FIRST_MACHINE:29400"


def torchrun_ranks(environment: Mapping[str, str]) -> int:
    """How many processes torchrun has started, of which this is one; 0 where it has not."""
    return int(environment.get("WORLD_SIZE", "0")) if TORCHRUN in environment else 0


def forget_ranks(environment: MutableMapping[str, str]) -> None:
    """Remove the `RANKS` that are no whole numbers; the others stay, and change nothing."""
    for name in RANKS:
        if not environment.get(name, "0").isdecimal():
            del environment[name]


def launched_devices(trainer: TrainerConfig, jobs: int | None = None, machine: Machine | None = None) -> Devices:
    """`overcast.core.devices.resolve_devices`, where as many processes as that takes were started or can be.

    Raises: UserError as that does, and as `refuse_other_ranks`.
    """
    devices = resolve_devices(trainer, jobs, machine)
    refuse_other_ranks(devices)
    return devices


def refuse_other_ranks(devices: Devices) -> None:
    """Raises: UserError where a run's processes are not those that there are, under torchrun or without it."""
    started, nodes = torchrun_ranks(os.environ), devices.num_nodes
    asked = f"trainer.num_nodes={nodes} with {devices.ranks_a_node} process(es) each"
    if not started and nodes > 1:
        start = START.format(nodes=nodes, each=devices.ranks_a_node)
        raise UserError(f"{asked}: start it on each machine with {start} pipelines/train.py …")
    if started and started != devices.ranks:
        raise UserError(
            f"torchrun has started {started} process(es), and the run is one of {asked}: give trainer.num_nodes what "
            "--nnodes is, and trainer.devices what --nproc-per-node is"
        )
