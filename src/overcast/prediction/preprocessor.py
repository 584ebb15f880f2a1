"""What is learned from the train part about the inputs, and stored with the weights.

The first layer of every run: mean and std per channel of pictures and per feature of sequences, and the
words that are known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from overcast.core.errors import UserError
from overcast.core.seeding import generator
from overcast.core.spec import PADDING, UNKNOWN, Spec
from overcast.model._encoders import sequence_mask
from overcast.prepare.pack import Pack

BLOCK = 4096
"""Samples looked at together: bounds the memory that learning the std takes."""

MIN_WORD_COUNT = 2
"""How often a word must occur in the train part to be known: of one seen once, nothing general can be learned."""


class Preprocessor(nn.Module, ABC):
    """The contract: raw values of a pack to what a network sees. ``kind`` is that of the data."""

    kind: str

    @abstractmethod
    def forward(self, x: Tensor, length: Tensor) -> Tensor: ...

    def fit(self, pack: Pack, rows: np.ndarray) -> Preprocessor:
        """Set what is to be known from these rows of the pack; nothing, unless a subclass says so."""
        return self


def build_preprocessor(
    spec: Spec, input_stats: tuple[float, float] | None = None, shuffle: bool = False
) -> Preprocessor:
    """The preprocessor for data of this spec, with nothing learned yet. input_stats: a fixed mean and std, if any."""
    return VocabularyLookup(spec) if spec.kind == "tokens" else Standardizer(spec, input_stats, shuffle)


def refuse_pixel_shuffle(shuffle: bool, spec: Spec) -> None:
    """Raises: UserError if other data than pictures is to be shuffled."""
    if shuffle and spec.kind != "image":
        raise UserError(f"shuffle_pixels=true moves the pixels of pictures; this data set is of kind {spec.kind}")


class VocabularyLookup(Preprocessor):
    """Token ids (B, T), those of words that the train part does not have (often enough) as `UNKNOWN`."""

    known: Tensor

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.kind = spec.kind
        self.register_buffer("known", torch.zeros(spec.ids, dtype=torch.bool))

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        ids = x.long()
        return torch.where(self.known[ids], ids, UNKNOWN)

    def fit(self, pack: Pack, rows: np.ndarray) -> VocabularyLookup:
        """A word is known if it occurs at least `MIN_WORD_COUNT` times in these rows."""
        count = np.zeros(len(self.known), np.int64)
        for block in np.array_split(rows, max(1, -(-len(rows) // BLOCK))):
            count += np.bincount(pack.gather(block)[0].ravel(), minlength=len(count))
        count[PADDING] = MIN_WORD_COUNT
        self.known.copy_(torch.from_numpy(count >= MIN_WORD_COUNT))
        return self


class Standardizer(Preprocessor):
    """Raw values (uint8 pixels, float32 features) to zero mean and unit std, as float32.

    Beyond a sequence's true length the result is zero. input_stats: mean and std that are fixed, not learned.
    shuffle: pictures only: put all pixels in another order, the same for every picture and every run.
    """

    mean: Tensor
    std: Tensor
    order: Tensor

    def __init__(self, spec: Spec, input_stats: tuple[float, float] | None = None, shuffle: bool = False) -> None:
        super().__init__()
        self.fixed = input_stats is not None
        mean, std = input_stats or (0.0, 1.0)
        per = (spec.shape[0], 1, 1) if spec.kind == "image" else (spec.shape[-1],)
        self.kind = spec.kind
        self.register_buffer("mean", torch.full(per, mean))
        self.register_buffer("std", torch.full(per, std))
        self.shuffle = shuffle
        if shuffle:
            order = torch.randperm(prod(spec.shape[1:]), generator=generator(0, "shuffle"))
            self.register_buffer("order", order)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        z = (x.float() - self.mean) / self.std
        if self.shuffle:
            z = z.flatten(2)[..., self.order].view_as(z)  # (B, C, H·W) and back
        if self.kind == "sequence":
            z = z * sequence_mask(length, x.shape[1])[..., None]
        return z

    def fit(self, pack: Pack, rows: np.ndarray) -> Standardizer:
        """Set mean and std from these rows of the pack; a constant channel keeps std 1."""
        if self.fixed:
            return self
        total, squares, count = 0.0, 0.0, 0
        axes = (0, 2, 3) if self.kind == "image" else (0,)
        for block in np.array_split(rows, max(1, -(-len(rows) // BLOCK))):
            x, length = pack.gather(block)
            if self.kind == "sequence":
                x = x[sequence_mask(torch.from_numpy(length), x.shape[1]).numpy()]  # (steps, F)
            x = x.astype(np.float64)
            total = total + x.sum(axes)
            squares = squares + (x**2).sum(axes)
            count += x.size // (x.shape[1] if x.ndim > 1 else 1)
        mean = np.asarray(total / count)
        std = np.sqrt(np.maximum(np.asarray(squares / count) - mean**2, 0))
        std[std < 1e-6] = 1.0
        self.mean.copy_(torch.from_numpy(mean).view_as(self.mean))
        self.std.copy_(torch.from_numpy(std).view_as(self.std))
        return self
