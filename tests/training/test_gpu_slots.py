"""Each of the runs at once has a GPU that no other has."""

from __future__ import annotations

import select
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from overcast.tracking.study_info import StudyInfo
from overcast.training.gpu_slots import own_gpus

HOLDER = """
import sys
from overcast.tracking.study_info import StudyInfo
from overcast.training.gpu_slots import own_gpus
with own_gpus(StudyInfo("x", "x", "", 2, sys.argv[1], None, ((0,), (1,)))) as gpus:
    print(*gpus, flush=True)
    sys.stdin.read()
"""


def test_no_two_processes_have_one_gpu_and_a_dead_ones_is_free(tmp_path: Path) -> None:
    with ExitStack() as stack:

        def holder() -> subprocess.Popen[str]:
            """Another process that has a slot until it is told to end."""
            command = [sys.executable, "-c", HOLDER, str(tmp_path)]
            process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            stack.callback(process.communicate)
            stack.callback(process.kill)
            return process

        first, second = holder(), holder()
        taken = [process.stdout.readline() for process in (first, second)]
        assert sorted(taken) == ["0\n", "1\n"]
        third = holder()
        assert select.select([third.stdout], [], [], 1)[0] == []  # it waits
        first.kill()
        assert third.stdout.readline() == taken[0]
        third.communicate("", timeout=30)
        for _ in range(2):  # given back each time
            with own_gpus(StudyInfo("x", "x", "", 2, str(tmp_path), None, ((0,), (1,)))) as gpus:
                assert gpus == (int(taken[0]),)
        assert second.poll() is None


def test_no_gpus_are_set_aside_without_slots(tmp_path: Path) -> None:
    for study in (None, StudyInfo("x", "x", "", 2, str(tmp_path))):
        with own_gpus(study) as gpus:
            assert gpus == ()
    assert list(tmp_path.iterdir()) == []
