"""Random draws keyed by what they are for, so that no run depends on how many draws another made.

A generator made from (seed, purpose, epoch, step) gives the same numbers whatever was drawn before it:
two runs with the same seed see the same batches and initial weights whatever their mitigations draw.
"""

from __future__ import annotations

import hashlib

import torch


def key(*parts: int | str) -> int:
    """A 63-bit seed for these parts: the same on every machine, Python and process."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(*parts: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator on ``device``, seeded by ``key(*parts)``."""
    return torch.Generator(device).manual_seed(key(*parts))
