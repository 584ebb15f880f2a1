"""What launchers (torchrun, SLURM, jsrun) say of their processes in the environment.

A run starts its own processes and tells them their ranks itself, but for torchrun, which can start them on several
machines. Lightning reads all of these variables, and one that holds no number, as a script that was copied in half may
leave it, ends it with a ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "WORLD_SIZE", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""What Lightning and torch take for a number when they are imported, or a Trainer is made."""


TORCHRUN = "TORCHELASTIC_RUN_ID"
"""Which torchrun alone sets, for the processes that it starts and theirs."""


def torchrun_ranks(environment: Mapping[str, str]) -> int:
    """How many processes torchrun has started, of which this is one; 0 where it has not."""
    return int(environment.get("WORLD_SIZE", "0")) if TORCHRUN in environment else 0


def forget_ranks(environment: MutableMapping[str, str]) -> None:
    """Remove the `RANKS` that are no whole numbers; the others stay, and change nothing."""
    for name in RANKS:
        if not environment.get(name, "0").isdecimal():
            del environment[name]
