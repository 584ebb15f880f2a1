"""A run that records shows that it lives, and takes its state back where it was thought dead."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from overcast.tracking.heartbeat import ENDED_BECAUSE, HEARTBEAT, heartbeat
from overcast.tracking.run import MlflowRun, RunRecorder, run_status


class Client:
    """One run's record, which lies in memory."""

    tracking_uri = "sqlite://"

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.status, self.dead = "RUNNING", False

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        if self.dead:
            raise OSError("no server")
        self.tags[key] = value

    def get_run(self, run_id: str) -> Any:
        return SimpleNamespace(data=SimpleNamespace(tags=self.tags))

    def update_run(self, run_id: str, status: str, **_: object) -> None:
        self.status = status

    set_terminated = update_run


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not true() and time.monotonic() < until:
        time.sleep(0.005)
    assert true()


def test_it_beats_inside_the_block_only() -> None:
    client = Client()
    with heartbeat(MlflowRun(client, "1"), interval=0.01):
        wait_for(lambda: HEARTBEAT in client.tags)
    wait_for(lambda: "heartbeat" not in [thread.name for thread in threading.enumerate()])
    assert set(client.tags) == {HEARTBEAT}


def test_a_short_run_sends_nothing_and_ends_at_once() -> None:
    client = Client()
    began = time.monotonic()
    with heartbeat(MlflowRun(client, "1")):
        pass
    with heartbeat(RunRecorder()):
        pass
    assert client.tags == {}
    assert time.monotonic() - began < 1


def test_a_server_that_is_gone_costs_nothing_and_beats_go_on_when_it_is_back() -> None:
    client = Client()
    client.dead = True
    with heartbeat(MlflowRun(client, "1"), interval=0.01):
        time.sleep(0.1)
        client.dead = False
        wait_for(lambda: HEARTBEAT in client.tags)
    assert client.tags.keys() == {HEARTBEAT}


def test_a_run_that_was_ended_wrongly_comes_back() -> None:
    """As after an hour in which its computer slept."""
    client = Client()
    record = MlflowRun(client, "1")
    with run_status(record), heartbeat(record, interval=0.01, still=0):
        client.tags[ENDED_BECAUSE], client.status = "no heartbeat", "KILLED"
        wait_for(lambda: client.status == "RUNNING")
        assert client.tags[ENDED_BECAUSE] == ""
    assert client.status == "FINISHED"


def test_one_that_ends_before_its_next_beat_takes_its_state_back_too() -> None:
    client = Client()
    record = MlflowRun(client, "1")
    with run_status(record), heartbeat(record, interval=60, still=0):
        client.tags[ENDED_BECAUSE], client.status = "no heartbeat", "KILLED"
    assert (client.status, client.tags) == ("FINISHED", {ENDED_BECAUSE: ""})
