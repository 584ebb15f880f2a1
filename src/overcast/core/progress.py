"""A bar that shows how far a loop is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any, TypeVar

from tqdm import tqdm

from overcast.core.console import in_language

Item = TypeVar("Item")

LOG_SECONDS = 30
"""Between two lines in a log file, which wants few of them."""


def open_bar(items: Iterable[Any] | None = None, desc: str = "", unit: str = "", **options: Any) -> tqdm[Any]:
    """tqdm's bar, with its words in the language that is used."""
    return tqdm(items, desc=in_language(desc), unit=in_language(unit), **options)


def progress_bar(items: Iterable[Item], desc: str, unit: str, descriptor: int | None = None) -> Iterator[Item]:
    """The items, one by one, with a bar on standard error, or on the file of ``descriptor``, which it closes."""
    with nullcontext(sys.stderr) if descriptor is None else os.fdopen(descriptor, "w") as file:
        apart = 0.1 if file.isatty() else LOG_SECONDS
        yield from open_bar(items, desc, unit, mininterval=apart, dynamic_ncols=True, file=file)
