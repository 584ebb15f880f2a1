"""Batch normalisation: each layer's outputs get mean 0 and spread 1 over the batch, then are rescaled.

Expected: faster and steadier training at higher learning rates, and some regularisation, since each
picture's features depend on the batch it happens to be in. Costs a tenth more time or less.
On several processes the mean and spread are those of each process's own part of the batch: another run than on one.

    python pipelines/train.py mitigation=batch_norm
"""

from __future__ import annotations

from typing import Any

from overcast.mitigation import Mitigation


class BatchNorm(Mitigation):
    """Batch normalisation after every hidden layer (Ioffe & Szegedy 2015)."""

    def model_kwargs(self) -> dict[str, Any]:
        return {"norm": "batch"}
