"""Python's garbage collector, kept from looking for garbage among what is there to stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Look for no garbage inside the block, which imports or builds, and never again at what is there at its end.

    The million objects of torch, Lightning and MLflow are imported in four fifths of the time so.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
