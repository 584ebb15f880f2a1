"""Where the trials of a search are kept: a journal in a file, or PostgreSQL, for workers on several machines."""

from __future__ import annotations

import fcntl
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from overcast.core.errors import UnreachableError, UserError
from overcast.core.process import ProcessId, is_gone, this_process
from overcast.core.secrets import STORAGE, with_password, without_password

JOURNAL = "journal.log"

POSTGRESQL = ("postgresql", "postgres")

RETRY_OF = "retry of"
"""What marks a trial that was begun before, with the number it had."""

OUT_OF_TIME = "out of time"
"""What marks a trial that was not whole when the search's time was over."""

STOOD = "as it stood"
"""What marks the trial of the options as they stand without the search. It is never stopped."""

WAIT = 3.0
"""Seconds in which another worker that came first makes its tables."""

BEAT = 30
"""Seconds between two heartbeats of a trial in a database, by which a worker on another machine is known to live."""


class JournalLock(BaseJournalFileLock):
    """Optuna's own locks outlive a process that is killed; the system takes this one back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def acquire(self) -> bool:
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(self.file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        os.close(self.file)


def check_address(address: str) -> str:
    """The address of a search's storage without its password, "" for a file.

    Raises: UserError if it is none of PostgreSQL.
    """
    clean = without_password(address)
    if clean and clean.partition(":")[0].partition("+")[0] not in POSTGRESQL:
        raise UserError(
            f"storage={clean}: give the address of a PostgreSQL database, as storage=postgresql://user@host/database, "
            "or leave it out for a file in the search's folder"
        )
    return clean


def open_storage(address: str, folder: Path) -> BaseStorage:
    """The storage of this address, or the journal in this folder.

    Raises: UnreachableError if it cannot be used.
    """
    if not address:
        return JournalStorage(JournalFileBackend(str(folder / JOURNAL), JournalLock(folder / f"{JOURNAL}.lock")))
    url = "postgresql+psycopg:" + with_password(address, STORAGE).partition(":")[2]
    with answering(address), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        for last in (False, True):
            with suppress(*() if last else (IntegrityError, ProgrammingError)):  # another has just made its tables
                return RDBStorage(
                    url,
                    engine_kwargs={"pool_pre_ping": True},
                    heartbeat_interval=BEAT,
                    grace_period=4 * BEAT,
                    heartbeat_stale_trial_callback=retry,
                )
            time.sleep(WAIT)
    raise AssertionError


@contextmanager
def answering(address: str) -> Iterator[None]:
    """Raises: UnreachableError where the storage does not answer inside the block, or refuses."""
    where = f"the search's storage {address}" if address else "the search's journal"
    try:
        yield
    except (SQLAlchemyError, ImportError, optuna.exceptions.StorageInternalError) as error:
        cause = getattr(error.__cause__, "orig", None) or getattr(error, "orig", None) or error
        reason = without_password((str(cause).strip().splitlines() or [type(error).__name__])[0])
        missing = isinstance(cause, ImportError)
        hint = "pip install -c constraints.txt -e '.[postgresql]'" if missing else "start its server"
        raise UnreachableError(f"cannot use {where}: {reason}. Mend that ({hint}), or leave storage=… out") from None


def retry(study: Study, trial: FrozenTrial) -> None:
    """Begin a trial again that did not end. One that was killed twice at the same point is left alone."""
    if trial.params and (OUT_OF_TIME in trial.user_attrs or RETRY_OF not in trial.user_attrs):
        kept = {STOOD: True} if STOOD in trial.user_attrs else {}
        study.enqueue_trial(trial.params, user_attrs={**kept, RETRY_OF: trial.number})


def retry_unfinished(study: Study) -> list[int]:
    """Begin again what processes left that are gone by now, or were out of time; gives the numbers of those left.

    Of another machine only a database knows that, by its heartbeats. Called with the search's lock.
    """
    here = this_process()
    for trial in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        process = ProcessId.parse(trial.user_attrs.get("process", ""))
        if process and is_gone(process, here):
            with suppress(ValueError, optuna.exceptions.UpdateFinishedTrialError):  # somebody else has just seen it
                study.tell(trial.number, state=TrialState.FAIL)
    trials = study.get_trials(deepcopy=False)
    retried = {trial.user_attrs.get(RETRY_OF) for trial in trials}
    left = [trial for trial in trials if trial.state == TrialState.FAIL and trial.number not in retried]
    for trial in left:
        retry(study, trial)
    return [trial.number for trial in left]
