"""Imports what a run needs, in the process that a study's workers are forked from.

Nothing is opened, and no thread is left: neither would survive the fork.
"""

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from threading import RLock
from types import TracebackType

from tqdm import tqdm

from overcast.core.collection import collection_paused
from overcast.core.watchdog import exit_with_parent_process, exiting_with

MODULES = (
    "torch._dynamo",  # any optimiser's first step imports it
    "mlflow.store.tracking.sqlalchemy_store",
    "overcast.study.trial",
    "overcast.training.distributed",
    "overcast.training.fit",
)


def show_unless_study_is_gone(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What a worker could not start for: a semaphore that it was to share goes with the study that has made it."""
    if not issubclass(kind, FileNotFoundError):
        sys.__excepthook__(kind, error, trace)


os.environ.setdefault("OMP_NUM_THREADS", "1")  # a run says itself how many threads torch takes, and nothing else does
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")  # of Arrow, which pandas imports
interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the study, with which this process ends
with exiting_with(os.getppid()), collection_paused():
    for module in MODULES:
        with suppress(Exception):  # a run that needs it says why it cannot be imported
            import_module(module)
tqdm.set_lock(RLock())  # its own one is shared between processes, and left behind by a worker that is killed
signal.signal(signal.SIGINT, interrupted)
sys.excepthook = show_unless_study_is_gone
os.register_at_fork(after_in_child=exit_with_parent_process)  # a worker without its study would wait for minutes
