"""A process is called gone only where that can be known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from overcast.core.process import OUTSIDE, ProcessId, is_gone, state_and_start, this_process

HERE = ProcessId("host", "machine", "boot", OUTSIDE, 1, 10)
DEAD = replace(HERE, pid=77, started=5000)


def look(state: str, started: int) -> bool | None:
    return is_gone(DEAD, HERE, lambda pid: (state, started))


def no_process(pid: int) -> tuple[str, int]:
    raise ProcessLookupError


def test_a_living_process_is_told_from_one_that_has_its_number_now() -> None:
    assert look("S", 5000) is False
    assert look("S", 6000) is True  # another one
    assert look("Z", 5000) is True
    assert look("", 0) is None  # another user's, which this one may not look at
    assert is_gone(DEAD, HERE, no_process) is True


@pytest.mark.parametrize(
    ("other", "gone"),
    [
        ({"namespace": "pid:[4026532000]"}, None),  # a container on the same machine, which shares its boot
        ({"host": "other", "machine": "other", "boot": "other"}, None),
        ({"host": "renamed"}, True),  # the same boot is the same machine
        ({"boot": "before"}, True),  # the machine was restarted
        ({"boot": "before", "machine": "other"}, None),  # two machines may have one name
        ({"boot": "before", "machine": ""}, None),
        ({"boot": "before", "namespace": "pid:[4026532000]"}, None),
        ({"boot": "", "namespace": ""}, None),  # a system that does not tell
        ({"started": 0}, None),
    ],
)
def test_what_cannot_be_known_is_not_guessed(other: dict[str, str], gone: bool | None) -> None:
    assert is_gone(replace(DEAD, **other), HERE, no_process) is gone  # type: ignore[arg-type]


def test_two_containers_of_one_name_after_a_restart_are_not_known() -> None:
    container = replace(HERE, namespace="pid:[4026532000]")
    assert is_gone(replace(container, boot="before"), container, no_process) is None


def test_this_process_lives_and_a_killed_one_is_gone() -> None:
    here = this_process()
    assert (here.pid, is_gone(here, here)) == (os.getpid(), False)
    assert ProcessId.parse(str(here)) == here
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        child = replace(here, pid=process.pid, started=state_and_start(process.pid)[1])
        assert is_gone(child, here) is False
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(child, here) is True  # although its number is not free yet
    assert is_gone(child, here) is True


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"pid": 1}', "1"])
def test_another_text_is_no_process(text: str) -> None:
    assert ProcessId.parse(text) is None
