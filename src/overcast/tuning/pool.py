"""The workers of a search: this process, or several beside each other that share its trials."""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from optuna.storages import BaseStorage

from overcast.core.console import warn
from overcast.core.cores import cores
from overcast.core.devices import Machine, TrainerConfig, resolve_devices
from overcast.core.errors import UserError
from overcast.study.progress import redirect, restore
from overcast.tuning.definition import Search
from overcast.tuning.progress import progress_line
from overcast.tuning.storage import open_storage
from overcast.tuning.worker import is_over, open_study, work


class Bug(NamedTuple):
    """What a worker raised that no user can mend: its number, name and text of the error, and its trace."""

    worker: int
    error: str
    trace: str


def slots_for(trainer: TrainerConfig, workers: int, machine: Machine) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """How many workers there are, and the GPUs of each: as many as asked for, or 0 for as many as cores or GPUs hold.

    Raises: UserError if that is more than the GPUs hold.
    """
    each = len(resolve_devices(trainer, 1, machine).gpus)
    slots = tuple((number,) for number in range(machine.gpus)) * trainer.jobs_per_gpu if each else ()
    if slots and workers > len(slots):
        raise UserError(
            f"workers={workers}: the GPUs here hold {len(slots)} training(s) at once. Let more share one with "
            "trainer.jobs_per_gpu, or use trainer=cpu"
        )
    return workers or len(slots) or cores(), slots


def train_fold(search: Search, fold: int, storage: BaseStorage) -> None:
    """Train a fold's trials until its share is over, with one line that shows how far it is.

    Raises: UserError for what ends any training, or if all workers were killed; RuntimeError naming the worker and its
    error.
    """
    study = open_study(search, fold, open_storage(search.storage, search.folder))
    if is_over(search, study.get_trials(deepcopy=False)):
        return
    if search.info.jobs > 1:
        with progress_line(search, fold, study):
            _beside_each_other(search, fold)
        return
    with _redirected(search.folder / "worker-0.log") as descriptor, progress_line(search, fold, study, descriptor):
        work(search, fold, storage)


@contextmanager
def _redirected(log: Path) -> Iterator[int]:
    """Send what trainings print to this file; a descriptor of what standard error was."""
    copies = redirect(log)
    try:
        yield os.dup(copies[1])
    finally:
        restore(copies)


def _beside_each_other(search: Search, fold: int) -> None:
    from overcast.study.fork_server import start_fork_server

    start_fork_server()
    context = multiprocessing.get_context("forkserver")
    receiver, sender = context.Pipe(duplex=False)
    workers = [
        context.Process(target=_work, args=(search, fold, number, sender), name=f"worker {number}")
        for number in range(search.info.jobs)
    ]
    failures: list[UserError | Bug] = []
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        while receiver.poll():
            failures.append(receiver.recv())
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()
                worker.join()
    if failures:
        raise _error(failures[0])
    killed = [worker for worker in workers if worker.exitcode]
    if len(killed) == len(workers):
        raise UserError(
            "all workers of the search were killed: by the system for want of memory? The same command goes on; "
            "workers=1 takes the least memory"
        )
    if killed:
        warn(f"{len(killed)} of {len(workers)} workers were killed; the others went on")


def _work(search: Search, fold: int, number: int, failures: Any) -> None:
    """In a process of its own. failures: the line on which it tells why it could not go on."""
    redirect(search.folder / f"worker-{number}.log")
    try:
        work(search, fold, open_storage(search.storage, search.folder))
    except UserError as error:
        failures.send(error)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # which may not unpickle
        failures.send(Bug(number, f"{type(error).__name__}: {error}", traceback.format_exc()))


def _error(failure: UserError | Bug) -> Exception:
    """What a worker's failure is for whoever asked for the search."""
    if isinstance(failure, UserError):
        return failure
    bug = RuntimeError(f"worker {failure.worker} failed: {failure.error}")
    bug.add_note(failure.trace)
    return bug
