"""How many processor cores this process may use: the one place that counts them."""

from __future__ import annotations


def cores() -> int:
    """At least 1: the machine's cores, less what CPU affinity, a container's quota or LOKY_MAX_CPU_COUNT takes away.

    It is what ``n_jobs=-1`` means to joblib, and asks nothing that only Linux has.
    """
    from joblib import cpu_count  # a tenth of a second that only those who count pay

    return int(cpu_count())
