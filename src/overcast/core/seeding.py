"""Random draws keyed by what they are for, so that no run depends on how many draws another made.

A generator made from (seed, purpose, epoch, step) gives the same numbers whatever was drawn before it:
two runs with the same seed see the same batches and initial weights whatever their mitigations draw.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed for these parts: the same on every machine, Python and process."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(*parts: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator on ``device``, seeded by ``derive_seed(*parts)``."""
    return torch.Generator(device).manual_seed(derive_seed(*parts))


def stratified_sample(rows: np.ndarray, labels: np.ndarray, size: int, *parts: int | str) -> np.ndarray:
    """At most ``size`` of these rows, drawn at random, each class about as often as among all of them; in their order.

    Packs are sorted by class: the first rows of one are all of the same few classes. Every class is drawn from where
    ``size`` is at least the number of classes.

    rows: (M,) indices into labels (N,). parts: seed, purpose and the like, as of `derive_seed`.
    """
    shuffled = np.random.default_rng(derive_seed(*parts)).permutation(rows)
    place = np.empty(len(rows))  # in the shuffled order of its class, from 0 to 1: the first of each class are taken
    for label in np.unique(labels[rows]):
        inside = labels[shuffled] == label
        place[inside] = np.arange(inside.sum()) / inside.sum()
    return np.sort(shuffled[np.argsort(place, kind="stable")[:size]])
