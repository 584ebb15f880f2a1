"""Shows every Python that is started with this folder in PYTHONPATH another time than the machine's.

The file that OVERCAST_CLOCK names holds the difference in seconds, and is read anew at each look at the clock.
Durations are what they are, as when a machine's clock is set. Compiled code, `datetime.now` among it, sees the true
time: libfaketime would change that too, but breaks `time.sleep`.
"""

import os
import time

_time, _time_ns = time.time, time.time_ns


def _difference() -> int:
    with open(os.environ["OVERCAST_CLOCK"], encoding="utf8") as file:
        return int(file.read() or 0)


time.time = lambda: _time() + _difference()
time.time_ns = lambda: _time_ns() + 10**9 * _difference()
