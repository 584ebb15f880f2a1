"""What trains the trials of a fold, one after the other, until its share of the search is over."""

from __future__ import annotations

import shutil
import socket
import time
import warnings
from collections.abc import Iterator, Sequence
from functools import partial

import optuna
from optuna.pruners import BasePruner, MedianPruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from overcast.core.locks import lock_first
from overcast.core.seeding import derive_seed
from overcast.core.signals import sigterm_exits
from overcast.tracking.outbox import find_outboxes
from overcast.tuning.definition import Search
from overcast.tuning.objective import SAME, OutOfTimeError, objective, trial_folder
from overcast.tuning.storage import OUT_OF_TIME, STOOD

RANDOM_TRIALS = 10
"""Before the sampler learns from those before."""

UNJUDGED_TRIALS = 5
"""Whole ones before any is stopped: of two or three the middle says little."""

UNJUDGED_RUNGS = 3
"""Of a training: while the learning rate climbs, a curve says little about its end (`overcast.training.classifier`)."""

MOST_COMMANDS = 16
"""That share a search on one machine, at once."""

IN_A_ROW = 20
"""Trials that were trained before, after which a space is searched through."""


def sampler(*seed: int | str) -> BaseSampler:
    """Tree-structured Parzen estimators (Bergstra et al. 2011; Watanabe 2023) of all options together.

    Trials under way on other workers count as bad ones until they end, so that two do not try the same.
    """
    return TPESampler(
        n_startup_trials=RANDOM_TRIALS,
        multivariate=True,
        group=True,
        constant_liar=True,
        seed=derive_seed(*seed) % 2**32,
    )


def pruner() -> BasePruner:
    """Stops a trial whose best figure so far is worse than the median of the others' at the same point."""
    return MedianPruner(n_startup_trials=UNJUDGED_TRIALS, n_warmup_steps=UNJUDGED_RUNGS)


def open_study(search: Search, fold: int, storage: BaseStorage, *seed: int | str) -> Study:
    """A fold's trials, those there are or none yet; seed: of the sampler, for who asks for new ones."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(
            storage=storage, study_name=search.study_name(fold), pruner=pruner(), load_if_exists=True
        )
        # one that goes on shall not draw again what it drew when it began
        study.sampler = sampler(search.id, fold, len(study.get_trials(deepcopy=False)), *seed)
    return study


def work(search: Search, fold: int, storage: BaseStorage) -> None:
    """Train trials until the fold's share is over.

    Raises: UserError for what ends any training, such as a full disk.
    """
    # two that began at once with the same seed would draw the same: each has a number of its own as long as it lives
    numbers = range(MOST_COMMANDS * search.info.jobs)
    with lock_first([search.folder / "workers" / str(number) for number in numbers]) as number:
        _work(search, fold, open_study(search, fold, storage, number, socket.gethostname() if search.storage else ""))


def _work(search: Search, fold: int, study: Study) -> None:
    trials = study.get_trials(deepcopy=False)
    deadline = time.time() + (search.seconds - spent_seconds(trials) if search.seconds else float("inf"))

    def after(study: Study, _: FrozenTrial) -> None:
        trials = study.get_trials(deepcopy=False)
        drop_outdone(search, fold, trials)
        if is_over(search, trials):
            study.stop()

    if not is_over(search, trials):
        with warnings.catch_warnings(), sigterm_exits():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.optimize(
                partial(objective, search=search, fold=fold, deadline=deadline),
                callbacks=[after],
                catch=(OutOfTimeError,),
            )


def spent_seconds(trials: Sequence[FrozenTrial], until: float = float("inf")) -> float:
    """How long at least one of these trials was under way; of those that were killed, nothing is known.

    until: seconds since 1970, after which nothing counts.
    """
    total = reached = 0.0
    for begin, end in sorted(_spans(trials)):
        total += max(0.0, min(end, until) - max(begin, reached))
        reached = max(reached, end)
    return total


def _spans(trials: Sequence[FrozenTrial]) -> Iterator[tuple[float, float]]:
    for trial in trials:
        known = trial.state != TrialState.FAIL or OUT_OF_TIME in trial.user_attrs
        if trial.datetime_start and known:
            ended = trial.datetime_complete.timestamp() if trial.datetime_complete else time.time()
            yield trial.datetime_start.timestamp(), ended


def is_over(search: Search, trials: Sequence[FrozenTrial]) -> bool:
    """Whether the time is used, there are as many trials as asked for, or nothing new is found to try."""
    if search.seconds and spent_seconds(trials) >= search.seconds:
        return True
    known = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    running = sum(trial.state == TrialState.RUNNING for trial in trials)
    new = sum(trial.user_attrs.get("ended") != SAME for trial in known)
    if search.trials and new + running >= search.trials:
        return True
    last = known[-IN_A_ROW:]
    return len(last) == IN_A_ROW and all(trial.user_attrs.get("ended") == SAME for trial in last)


def whole_trials(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Those that were trained to the end. Optuna gives one that was stopped its last figure as its value."""
    return [t for t in trials if t.state == TrialState.COMPLETE and t.user_attrs.get("ended") != SAME]


def best_trial(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The whole trial with the lowest validation negative log-likelihood, the first of several; None without any."""
    return min(whole_trials(trials), key=lambda trial: (trial.value, trial.number), default=None)


def stood_trial(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The whole trial of the options as they stood; None where there is none."""
    return next((trial for trial in whole_trials(trials) if STOOD in trial.user_attrs), None)


def drop_outdone(search: Search, fold: int, trials: Sequence[FrozenTrial]) -> None:
    """Remove the folders of trials that a better one has outdone: their curves and figures are kept in the journal."""
    kept = {trial.number for trial in (best_trial(trials), stood_trial(trials)) if trial}
    for trial in whole_trials(trials):
        folder = trial_folder(search, fold, trial.number)
        if trial.number not in kept and not find_outboxes(folder):
            shutil.rmtree(folder, ignore_errors=True)
