"""A pack's pictures on the GPU itself, where they fit: a batch is then picked there, and nothing waits for the bus."""

from __future__ import annotations

import torch
from torch import Tensor

from overcast.core.devices import Devices
from overcast.prepare.pack import Pack

SHARE = 0.25
"""Of the GPU's free memory that the pictures may take: the rest is the network's, and that of other runs."""


def resident_pictures(pack: Pack, devices: Devices) -> Tensor | None:
    """All pictures (N, C, H, W) uint8 on this process's GPU; None on a CPU, of other samples, or if they are too large.

    It is the current device, as `overcast.training.fit.set_up_torch` has set it.
    """
    if devices.accelerator != "gpu" or pack.offsets is not None:
        return None
    free, _ = torch.cuda.mem_get_info()
    return to_device(pack, "cuda") if pack.values.nbytes <= SHARE * free else None


def to_device(pack: Pack, device: str) -> Tensor:
    """All pictures (N, C, H, W) there."""
    pictures = torch.empty(pack.values.shape, dtype=torch.from_numpy(pack.values[:0].copy()).dtype, device=device)
    for start in range(0, len(pictures), BLOCK):
        pictures[start : start + BLOCK] = torch.from_numpy(pack.values[start : start + BLOCK].copy()).to(device)
    return pictures


BLOCK = 4096
"""Pictures that are copied at a time."""
