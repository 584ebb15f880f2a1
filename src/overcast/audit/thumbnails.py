"""Samples of a pack as small pictures, or as their words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from overcast.html.thumbnails import contact_sheet, thumbnail
from overcast.prepare.pack import Pack


def thumb(pack: Pack, row: int, side: int) -> np.ndarray:
    """A row of the pack as a square (side, side, 3) uint8."""
    return thumbnail(_sample(pack, row), side)


def contact(pack: Pack, rows: Iterable[int], columns: int) -> np.ndarray:
    """These rows as one picture, on white."""
    return contact_sheet([_sample(pack, row) for row in rows], columns)


def words(pack: Pack, row: int) -> str:
    """The words of a sample of tokens."""
    return " ".join(pack.spec.decode(_sample(pack, row)))


def _sample(pack: Pack, row: int) -> np.ndarray:
    sample: np.ndarray = pack.gather(np.array([row]))[0][0]
    return sample
