"""What a reader has to say of a file that it could read: a Python warning, which whoever reads files collects."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class Remark(UserWarning):
    """Its text is what happened and more of it, as in "clipped: 3 of 576 pixels"."""


def remark(text: str) -> None:
    """Say it to whoever collects."""
    warnings.warn(Remark(text), stacklevel=2)


@contextmanager
def collected_remarks() -> Iterator[list[str]]:
    """The texts of what is said inside the block, once it has ended."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", Remark)
        yield texts
    texts += [str(each.message) for each in caught if issubclass(each.category, Remark)]
    for other in caught:
        if not issubclass(other.category, Remark):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
