"""The process that workers are forked from: it has imported all, has no thread, and ends with the study."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import psutil
import pytest

STUDY = """
import os, sys
from joblib import Parallel, delayed
from overcast.study.fork_server import start_fork_server

def job(number):
    import multiprocessing, os, sys, threading
    from overcast.core.watchdog import exit_with_parent_process
    from overcast.study.preload import MODULES
    imported = all(name in sys.modules for name in MODULES)
    return imported, multiprocessing.parent_process().pid, os.getppid(), os.getpid()

if __name__ == "__main__":
    start_fork_server()
    for _ in range(2):
        done = Parallel(n_jobs=2)(delayed(job)(number) for number in range(4))
    (imported,), (study,), (server,) = (set(values) for values in list(zip(*done))[:3])
    threads = len(os.listdir(f"/proc/{server}/task"))
    print(imported, study == os.getpid(), server != study, threads, *{server, *(each[3] for each in done)}, flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_workers_find_all_imported_and_end_with_the_study(tmp_path: object) -> None:
    path = f"{tmp_path}/study.py"
    with open(path, "w", encoding="utf8") as file:
        file.write(STUDY)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, path], stdin=pipe, stdout=pipe, text=True) as study:
        assert study.stdout is not None
        imported, of_study, of_server, threads, *pids = study.stdout.readline().split()
        processes = [psutil.Process(int(pid)) for pid in pids]
        assert [imported, of_study, of_server, threads] == ["True", "True", "True", "1"]
        study.kill()
    assert not psutil.wait_procs(processes, timeout=10)[1]


@pytest.mark.slow
def test_it_ends_with_a_study_that_ends_while_it_imports() -> None:
    code = (
        "from multiprocessing import forkserver\n"
        "from overcast.study.fork_server import start_fork_server\n"
        "start_fork_server()\nprint(forkserver._forkserver._forkserver_pid, flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(done.stdout)).wait(10)
