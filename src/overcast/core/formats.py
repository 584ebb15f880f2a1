"""Is what lies on disk of the format that this version of overcast reads?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from overcast.core.errors import UserError


def check_format(what: str, stored: Mapping[str, Any], ours: int, again: str) -> None:
    """Raises: UserError if ``stored`` says another ``format`` than ``ours``, or none, as all did at first.

    what: as a sentence begins with it. again: how to make it anew, where it is an older one.
    """
    if (found := stored.get("format", 0)) == ours:
        return
    if isinstance(found, int) and found < ours:
        raise UserError(f"{what} was written by an older version of overcast: {again}.")
    raise UserError(f"{what} was written by a newer version of overcast: upgrade overcast, or {again}.")
