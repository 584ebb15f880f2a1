"""What was started for another process's sake ends with it, however that ends."""

from __future__ import annotations

import subprocess
import sys

import psutil

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
print(child.pid, child.stdout.readline(), flush=True)
child.wait()
"""
CHILD = """
import os, sys, threading, time
from overcast.core.watchdog import exit_with
for _ in range(3):
    exit_with(os.getppid())
print(len([t for t in threading.enumerate() if t.name == "watchdog"]), "torch" in sys.modules, flush=True)
time.sleep(60)
"""


def test_a_process_ends_when_the_one_that_started_it_is_killed() -> None:
    command = [sys.executable, "-c", PARENT, CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, watching, torch = parent.stdout.readline().split()
        child = psutil.Process(int(pid))
        assert (watching, torch) == ("1", "False")
        assert child.is_running()
        parent.kill()
    child.wait(10)


def test_it_ends_at_once_where_that_one_is_gone_already() -> None:
    code = "import time\nfrom overcast.core.watchdog import exit_with\nexit_with(0)\ntime.sleep(60)"
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 1


def test_it_ends_inside_a_block_alone() -> None:
    code = (
        "import os, threading\nfrom overcast.core.watchdog import exiting_with\n"
        "with exiting_with(os.getppid()):\n    inside = threading.active_count()\n"
        "print(inside, threading.active_count(), flush=True)\n"
        "with exiting_with(0):\n    import time\n    time.sleep(60)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout.split()) == (1, ["2", "1"])


def test_the_last_word_is_said_before_but_not_waited_for_long() -> None:
    code = (
        "import time\nfrom overcast.core import watchdog\nwatchdog.LAST_WORD = 0.2\n"
        "watchdog.exit_with(0, lambda: (print('killed', flush=True), time.sleep(60)))\ntime.sleep(60)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (1, "killed\n")
