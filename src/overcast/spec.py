"""What a pack holds. Networks are built from this, never from a data set's name."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["image", "sequence", "tokens"]


@dataclass(frozen=True)
class Spec:
    """Kind, shape and classes of the samples.

    shape: image ``(C, H, W)``, pixels as uint8; sequence ``(T, F)``, T the longest length, values as
    float32; tokens ``(T,)``, token ids as int32.
    vocabulary: tokens only: the number of distinct ids, 0 being padding.
    """

    kind: Kind
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    vocabulary: int = 0

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf8")

    @staticmethod
    def load(path: Path) -> Spec:
        stored = json.loads(path.read_text(encoding="utf8"))
        stored |= {"shape": tuple(stored["shape"]), "classes": tuple(stored["classes"])}
        return Spec(**stored)
