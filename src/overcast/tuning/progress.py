"""How far a search is: one line, which reads the trials as any worker does."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from contextvars import copy_context

from optuna.study import Study
from optuna.trial import TrialState
from tqdm import tqdm

from overcast.core.console import in_language
from overcast.core.progress import LOG_SECONDS, open_bar
from overcast.tuning.definition import Search
from overcast.tuning.worker import best_trial, spent_seconds


@contextmanager
def progress_line(search: Search, fold: int, study: Study, descriptor: int | None = None) -> Iterator[None]:
    """A live line inside the block, on standard error or on the file of ``descriptor``, which it closes."""
    done = threading.Event()
    with nullcontext(sys.stderr) if descriptor is None else os.fdopen(descriptor, "w") as file:
        live = file.isatty()
        unit = " min" if search.seconds else " trials"
        total = round(search.seconds / 60, 1) if search.seconds else search.trials
        form = "{desc}: {percentage:3.0f}%|{bar}| {n:.4g}/{total:.4g}{unit}{postfix}"
        bar = open_bar(
            total=total, desc=f"{search.name}, fold {fold}", unit=unit, dynamic_ncols=True, file=file, bar_format=form,
            mininterval=0 if live else LOG_SECONDS,
        )  # fmt: skip

        def watch() -> None:
            while not done.wait(0.5 if live else LOG_SECONDS):
                with suppress(Exception):  # of a storage that is away for a moment: the workers will say it
                    _show(bar, search, study)

        thread = threading.Thread(target=copy_context().run, args=(watch,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            with suppress(Exception):
                _show(bar, search, study)
            bar.close()


def _show(bar: tqdm[None], search: Search, study: Study) -> None:
    trials = study.get_trials(deepcopy=False)
    states = Counter(trial.state for trial in trials)
    ended, stopped = states[TrialState.COMPLETE] + states[TrialState.PRUNED], states[TrialState.PRUNED]
    best = best_trial(trials)
    told = f", best {best.value:.4f}" if best else ""
    bar.n = min(bar.total, spent_seconds(trials) / 60 if search.seconds else ended)
    bar.set_postfix_str(in_language(f"{ended} trials, {stopped} stopped early{told}"), refresh=False)
    bar.refresh()
