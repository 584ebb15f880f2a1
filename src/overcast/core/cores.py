"""How many processor cores this process may use: the one place that counts them."""

from __future__ import annotations

import os

from overcast.core.errors import UserError

LIMIT = "LOKY_MAX_CPU_COUNT"
"""The environment variable by which joblib is told to take fewer."""


def cores() -> int:
    """At least 1: the machine's cores, less what CPU affinity, a container's quota or LOKY_MAX_CPU_COUNT takes away.

    It is what ``n_jobs=-1`` means to joblib, and asks nothing that only Linux has.

    Raises: UserError if that variable is no number.
    """
    from joblib import cpu_count  # a tenth of a second that only those who count pay

    try:
        return int(cpu_count())
    except ValueError:
        raise UserError(f"{LIMIT}={os.environ.get(LIMIT)}: must be a whole number, or not be set") from None
