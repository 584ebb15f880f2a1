"""What is learned from the train part about the inputs, and stored with the weights.

The first layer of every run: mean and spread per channel of pictures and per feature of sequences, and the
words that are known; and the order of a picture's pixels where they are shuffled.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from overcast.errors import UserError
from overcast.prepare.pack import Pack
from overcast.seeding import generator
from overcast.spec import PADDING, UNKNOWN, Spec

BLOCK = 4096
"""Samples looked at together: bounds the memory that learning the spread takes."""

FEWEST = 2
"""How often a word must occur in the train part to be known: of one seen once, nothing general can be learned."""


class Inputs(nn.Module):
    """The contract: raw values of a pack to what a network sees. ``kind`` is that of the data."""

    kind: str

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        raise NotImplementedError

    def learn(self, pack: Pack, rows: np.ndarray) -> Inputs:
        """Set what is to be known from these rows of the pack."""
        raise NotImplementedError


def input_layer(spec: Spec, shuffle: bool = False) -> Inputs:
    """The inputs for data of this spec, with nothing learned yet.

    Raises: UserError for a shuffle of what is not a picture.
    """
    if shuffle and spec.kind != "image":
        raise UserError(
            f"shuffle=true moves the pixels of pictures, which are all of one size; this data set is of kind "
            f"{spec.kind}, and its samples differ in length"
        )
    return Lookup(spec) if spec.kind == "tokens" else Standardise(spec, shuffle)


class Lookup(Inputs):
    """Token ids (B, T), those of words that the train part does not have (often enough) as `UNKNOWN`."""

    known: Tensor

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.kind = spec.kind
        self.register_buffer("known", torch.zeros(spec.ids, dtype=torch.bool))

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        ids = x.long()
        return torch.where(self.known[ids], ids, UNKNOWN)

    def learn(self, pack: Pack, rows: np.ndarray) -> Lookup:
        """A word is known if it occurs at least `FEWEST` times in these rows."""
        count = np.zeros(len(self.known), np.int64)
        for block in np.array_split(rows, max(1, -(-len(rows) // BLOCK))):
            count += np.bincount(pack.gather(block)[0].ravel(), minlength=len(count))
        count[PADDING] = FEWEST
        self.known.copy_(torch.from_numpy(count >= FEWEST))
        return self


class Standardise(Inputs):
    """Raw values (uint8 pixels, float32 features) to zero mean and unit spread, as float32.

    Beyond a sequence's true length the result is zero. shuffle: move the pixels of every picture alike.
    """

    mean: Tensor
    spread: Tensor
    order: Tensor

    def __init__(self, spec: Spec, shuffle: bool = False) -> None:
        super().__init__()
        per = (spec.shape[0], 1, 1) if spec.kind == "image" else (spec.shape[-1],)
        self.kind, self.shuffle = spec.kind, shuffle
        if shuffle:  # one order whatever the seed: repeats are of one problem
            pixels = spec.shape[1] * spec.shape[2]
            self.register_buffer("order", torch.randperm(pixels, generator=generator("shuffle")))
        self.register_buffer("mean", torch.zeros(per))
        self.register_buffer("spread", torch.ones(per))

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        if self.shuffle:
            x = x.flatten(2)[..., self.order].view_as(x)  # (B, C, H, W), the channels of a pixel together
        z = (x.float() - self.mean) / self.spread
        if self.kind == "sequence":
            z = z * (torch.arange(x.shape[1], device=x.device) < length[:, None])[..., None]
        return z

    def learn(self, pack: Pack, rows: np.ndarray) -> Standardise:
        """Set mean and spread from these rows of the pack; a constant channel keeps spread 1."""
        total, squares, count = 0.0, 0.0, 0
        axes = (0, 2, 3) if self.kind == "image" else (0,)
        for block in np.array_split(rows, max(1, -(-len(rows) // BLOCK))):
            x, length = pack.gather(block)
            if self.kind == "sequence":
                x = x[np.arange(x.shape[1]) < length[:, None]]  # (steps, F)
            x = x.astype(np.float64)
            total = total + x.sum(axes)
            squares = squares + (x**2).sum(axes)
            count += x.size // (x.shape[1] if x.ndim > 1 else 1)
        mean = np.asarray(total / count)
        spread = np.sqrt(np.maximum(np.asarray(squares / count) - mean**2, 0))
        spread[spread < 1e-6] = 1.0
        self.mean.copy_(torch.from_numpy(mean).view_as(self.mean))
        self.spread.copy_(torch.from_numpy(spread).view_as(self.spread))
        return self
