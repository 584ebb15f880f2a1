"""What launchers (torchrun, SLURM, jsrun) say of their processes in the environment, which is not about our runs.

A run starts its own processes and tells them their ranks itself. Lightning reads these variables all the same, and one
that holds no number, as a script that was copied in half may leave it, ends it with a ValueError.
"""

from __future__ import annotations

from collections.abc import MutableMapping

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "WORLD_SIZE", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""What Lightning and torch take for a number when they are imported, or a Trainer is made."""


def forget_ranks(environment: MutableMapping[str, str]) -> None:
    """Remove the `RANKS` that are no whole numbers; the others stay, and change nothing."""
    for name in RANKS:
        if not environment.get(name, "0").isdecimal():
            del environment[name]
