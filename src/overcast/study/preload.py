"""Imports what a run needs, in the process that a study's workers are forked from.

Nothing is opened, and no thread is left: neither would survive the fork.
"""

import gc
import os
import signal
from importlib import import_module

from overcast.core.watchdog import exiting_with

MODULES = (
    "torch._dynamo",  # any optimiser's first step imports it
    "mlflow.store.tracking.sqlalchemy_store",
    "overcast.study.trial",
    "overcast.training.distributed",
    "overcast.training.fit",
)

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a run says itself how many threads torch takes, and nothing else does
interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the study, with which this process ends
gc.disable()  # looking for garbage takes a fifth of the time, and what is imported stays
with exiting_with(os.getppid()):
    for module in MODULES:
        import_module(module)
gc.freeze()
gc.enable()
signal.signal(signal.SIGINT, interrupted)
