"""Work in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from functools import partial

import pytest

from overcast.core.process_pool import AHEAD, in_fresh_processes


def test_results_come_in_order_and_an_end_before_the_last_leaves_no_process() -> None:
    results = in_fresh_processes(2, abs, range(0, -500, -1))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    children = multiprocessing.active_children()
    results.close()  # type: ignore[attr-defined]
    assert children
    assert not any(child.is_alive() for child in children)


def test_items_are_taken_a_little_ahead_of_the_results() -> None:
    taken = []
    results = in_fresh_processes(2, abs, (taken.append(item) or item for item in range(500)))  # type: ignore[func-returns-value]
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(taken) <= 10 + 2 * AHEAD
    assert [*results] == list(range(10, 500))


def test_no_items() -> None:
    assert list(in_fresh_processes(2, abs, [])) == []


def test_an_early_end_leaves_other_processes_alone() -> None:
    other = multiprocessing.get_context("spawn").Process(target=signal.pause)
    other.start()
    results = in_fresh_processes(2, abs, range(500))
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert other.is_alive()
    other.kill()
    other.join()
    assert other.exitcode == -signal.SIGKILL


def test_ctrl_c_does_not_reach_them() -> None:
    blocked = partial(signal.pthread_sigmask, signal.SIG_BLOCK)
    assert signal.SIGINT in next(in_fresh_processes(1, blocked, [()]))
    assert signal.SIGINT not in blocked(())


def test_one_that_dies_is_an_error() -> None:
    with pytest.raises(Exception, match="terminated abruptly"):
        list(in_fresh_processes(1, os._exit, [1]))
