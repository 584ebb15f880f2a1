"""What is learned from the train part about the inputs, and stored with the weights.

The first layer of every run: mean and std per channel of pictures and per feature of sequences, and the
words that are known.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from overcast.core.errors import UserError
from overcast.core.seeding import generator
from overcast.core.spec import PADDING, SEQUENCES, UNKNOWN, Spec
from overcast.model._encoders import sequence_mask
from overcast.prepare.derived import derive, derived_path, digest
from overcast.prepare.pack import Pack

BLOCK = 4096
"""Samples looked at together: bounds the memory that learning the std takes."""

ALIKE = 2.0**-23
"""Of a mean: a std below is that of rounding to float32. However small a unit is, its values differ by more."""

MIN_WORD_COUNT = 2
"""How often a word must occur in the train part to be known: of one seen once, nothing general can be learned."""


class Preprocessor(nn.Module, ABC):
    """The contract: raw values of a pack to what a network sees.

    kind: that of the data. learned: the buffers that `fit` sets, and nothing else does.
    """

    kind: str
    learned: tuple[str, ...] = ()

    @abstractmethod
    def forward(self, x: Tensor, length: Tensor) -> Tensor: ...

    def fit(self, pack: Pack, rows: np.ndarray) -> Preprocessor:
        """Set what is to be known from these rows of the pack; nothing, unless a subclass says so."""
        return self


def build_preprocessor(
    spec: Spec, input_stats: tuple[float, float] | None = None, shuffle: bool = False
) -> Preprocessor:
    """The preprocessor for data of this spec, with nothing learned yet. input_stats: see `overcast.model.Network`."""
    if spec.kind == "tokens":
        return VocabularyLookup(spec, learn=input_stats is None)
    return Standardizer(spec, input_stats, shuffle)


def cached_fit(preprocessor: Preprocessor, pack: Pack, rows: np.ndarray, folder: Path) -> Preprocessor:
    """`Preprocessor.fit`, what it learns being found once for the same pack and rows. folder: the data set's.

    Raises: UserError if it cannot be kept there.
    """
    if not preprocessor.learned:
        return preprocessor

    def learn() -> bytes:
        state, buffer = preprocessor.fit(pack, rows).state_dict(), io.BytesIO()
        torch.save({name: state[name] for name in preprocessor.learned}, buffer)
        return buffer.getvalue()

    path = derived_path(folder, "preprocessors", digest(type(preprocessor).__name__, rows), pack, ".pt")
    preprocessor.load_state_dict(torch.load(io.BytesIO(derive(path, learn)), weights_only=True), strict=False)
    return preprocessor


def refuse_pixel_shuffle(shuffle: bool, spec: Spec) -> None:
    """Raises: UserError if other data than pictures is to be shuffled."""
    if shuffle and spec.kind != "image":
        raise UserError(f"shuffle_pixels=true moves the pixels of pictures; this data set is of kind {spec.kind}")


class VocabularyLookup(Preprocessor):
    """Token ids (B, T), those of words that the train part does not have (often enough) as `UNKNOWN`.

    learn: else all are known, as to a pretrained network.
    """

    known: Tensor

    def __init__(self, spec: Spec, learn: bool = True) -> None:
        super().__init__()
        self.kind = spec.kind
        self.learned = ("known",) if learn else ()
        self.register_buffer("known", torch.full((spec.ids,), not learn))

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        ids = x.long()
        return torch.where(self.known[ids], ids, UNKNOWN)

    def fit(self, pack: Pack, rows: np.ndarray) -> VocabularyLookup:
        """A word is known if it occurs at least `MIN_WORD_COUNT` times in these rows."""
        if not self.learned:
            return self
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
        self.learned = () if input_stats else ("mean", "std")
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
        if self.kind in SEQUENCES:
            z = z * sequence_mask(length, x.shape[1])[..., None]
        return z

    def fit(self, pack: Pack, rows: np.ndarray) -> Standardizer:
        """Set mean and std from these rows of the pack; a constant channel keeps std 1."""
        if not self.learned:
            return self
        total: np.ndarray | float = 0.0
        squares: np.ndarray | float = 0.0
        count = 0
        for block in np.array_split(rows, max(1, -(-len(rows) // BLOCK))):
            x, length = pack.gather(block)
            if self.kind == "image":
                per_level = np.stack(
                    [np.bincount(x[:, c].ravel(), minlength=256) for c in range(x.shape[1])]
                )  # (C, 256)
                values, occurrences = np.arange(256.0), per_level.astype(np.float64)
                total, squares = total + occurrences @ values, squares + occurrences @ values**2  # exact: whole numbers
                count += x.size // x.shape[1]
            else:
                x = x[sequence_mask(torch.from_numpy(length), x.shape[1]).numpy()].astype(np.float64)  # (steps, F)
                total, squares = total + x.sum(0), squares + (x**2).sum(0)
                count += len(x)
        mean = np.asarray(total / count)
        std = np.sqrt(np.maximum(np.asarray(squares / count) - mean**2, 0))
        std[std <= np.maximum(ALIKE * np.abs(mean), np.finfo(np.float32).tiny)] = 1.0
        self.mean.copy_(torch.from_numpy(mean).view_as(self.mean))
        self.std.copy_(torch.from_numpy(std).view_as(self.std))
        return self
