"""What a pack holds. Networks are built from this, never from a data set's name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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
LATER = ("offset", "scale", "front_end")
"""What came later: where there is none, the file is as before, and so is the fingerprint of its pack."""

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
    front_end: spectrograms only: what made them, where that is made for a pretrained network; "" else.
    offset, scale: what the F features of a sequence are less, and then divided by, in the pack: () where nothing, as
    float32 tells their values apart.
    """

    kind: Kind
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    vocabulary: tuple[str, ...] = ()
    offset: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    front_end: str = ""

    @property
    def ids(self) -> int:
        """How many token ids there are, `PADDING` and `UNKNOWN` among them."""
        return len(self.vocabulary) + 2

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.vocabulary, start=2)}

    def encode(self, sample: np.ndarray | Sequence[str]) -> np.ndarray:
        """A sample as a pack holds it: of words (T,) their ids int32; of a sequence (T, F) its features, scaled."""
        if self.kind == "tokens":
            return np.array([self._numbers.get(word, UNKNOWN) for word in sample], np.int32)
        if not self.offset:
            return np.asarray(sample)
        with np.errstate(over="ignore"):  # far beyond what the pack has: infinite
            return ((np.asarray(sample, np.float64) - self.offset) / self.scale).astype(np.float32)

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The words of ids; ? for those that the pack has but once, or not at all."""
        return [self.vocabulary[i - 2] if i > UNKNOWN else "?" for i in ids]

    def save(self, path: Path) -> None:
        stored = {name: value for name, value in asdict(self).items() if value or name not in LATER}
        path.write_text(json.dumps(stored, indent=None if self.vocabulary else 1) + "\n", encoding="utf8")

    @staticmethod
    def load(path: Path) -> Spec:
        stored = json.loads(path.read_text(encoding="utf8"))
        stored = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
        return Spec(**stored)
