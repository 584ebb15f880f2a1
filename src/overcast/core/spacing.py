"""A few of many, spread over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def evenly_spaced(items: Sequence[T], most: int) -> list[T]:
    """At most ``most`` of them, in their order, the first and the last among them."""
    places = np.unique(np.linspace(0, len(items) - 1, most).round().astype(int))
    return [items[place] for place in places] if len(items) > most else list(items)
