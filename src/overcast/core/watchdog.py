"""A process that was started for another one's sake shall not outlive it, not even where that dies by SIGKILL."""

from __future__ import annotations

import os
import threading
import time
from functools import cache


@cache  # asked again, it watches already
def exit_with(parent: int) -> None:
    """End this process, with exit code 1, when ``parent`` is gone: the process that started it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
