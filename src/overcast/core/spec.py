"""What a pack holds. Networks are built from this, never from a data set's name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

PADDING, UNKNOWN = 0, 1
"""The token ids that stand for no word and for a word that is not in the vocabulary."""


def sequence_mask(length: np.ndarray, steps: int) -> np.ndarray:
    """Which steps are true ones and which padding: (B, steps) bool."""
    mask: np.ndarray = np.arange(steps) < length[:, None]
    return mask


Kind = Literal["image", "sequence", "spectrogram", "tokens"]
SEQUENCES: tuple[Kind, ...] = ("sequence", "spectrogram")
"""The kinds whose samples are steps of numbers."""


@dataclass(frozen=True)
class Spec:
    """Kind, shape and classes of the samples.

    shape: image ``(C, H, W)``, pixels as uint8; sequence ``(T, F)``, T the longest length, values as
    float32; spectrogram the same, its features being neighbouring bands of the spectrum, the lowest first; tokens
    ``(T,)``, token ids as int32.
    vocabulary: tokens only: the words that the pack has more than once, the most frequent first; the word at i
    has id i + 2.
    """

    kind: Kind
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    vocabulary: tuple[str, ...] = ()

    @property
    def ids(self) -> int:
        """How many token ids there are, `PADDING` and `UNKNOWN` among them."""
        return len(self.vocabulary) + 2

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.vocabulary, start=2)}

    def encode(self, words: Iterable[str]) -> np.ndarray:
        """The ids (T,) int32 of words."""
        return np.array([self._numbers.get(word, UNKNOWN) for word in words], np.int32)

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The words of ids; ? for those that the pack has but once, or not at all."""
        return [self.vocabulary[i - 2] if i > UNKNOWN else "?" for i in ids]

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=None if self.vocabulary else 1) + "\n", encoding="utf8")

    @staticmethod
    def load(path: Path) -> Spec:
        stored = json.loads(path.read_text(encoding="utf8"))
        stored |= {name: tuple(stored[name]) for name in ("shape", "classes", "vocabulary")}
        return Spec(**stored)
