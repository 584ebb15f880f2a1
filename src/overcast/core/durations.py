"""Times as people write them: ``90s``, ``30min``, ``2h``, ``30d``."""

from __future__ import annotations

import re

from overcast.core.errors import UserError

DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|min|h|d)")
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def seconds(option: str, text: str) -> float:
    """A time in seconds. Raises: UserError naming the option."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise UserError(f"{option}={text}: give a time with its unit, such as 90s, 30min, 2h or 7d")
    return float(match[1]) * SECONDS[match[2]]
