"""Work for processes that are started anew, which end with whoever asked for it."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from overcast.core.signals import ctrl_c_kept_from_children

AHEAD = 8
"""Items a process that are at work or done before the first of them is asked for: results wait in memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_fresh_processes(
    workers: int,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    start: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Iterator[Result]:
    """``function`` of each of the items, in their order, from at most so many processes.

    Items are taken, and results made, only a little ahead of what is asked for: neither need fit into memory.

    start: called once in each process, with these arguments. An interrupt, or an end before the last item, kills the
    processes: they are at work that nobody waits for.

    Raises: BrokenProcessPool if one of the processes dies.
    """
    context = multiprocessing.get_context("spawn")  # forking beside the threads of a bar or of a caller can hang
    with ProcessPoolExecutor(workers, context, start, arguments) as pool:
        # not `map`, which cancels what is left: a pool that breaks then shows a traceback of its own
        results, rest = deque[Future[Result]](), iter(items)
        ours = dict[int, BaseProcess]()  # a caller may have others
        try:
            while True:
                with ctrl_c_kept_from_children():
                    results.extend(pool.submit(function, item) for item in islice(rest, workers * AHEAD - len(results)))
                ours.update(pool._processes)
                if not results:
                    return
                yield results.popleft().result()
        except BaseException:
            for process in ours.values():
                process.kill()
            raise
