"""One trial: a training as any other, which ends early where the validation curve says that it is hopeless."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from optuna import Trial, TrialPruned
from optuna.trial import TrialState
from pytorch_lightning import Callback, LightningModule, Trainer

from overcast.core.console import warn
from overcast.core.errors import DivergedError, IncompatibleError, StoppedError, UnreachableError
from overcast.core.process import this_process
from overcast.study.tuning import validation
from overcast.tracking.late_record import reopen_store
from overcast.tracking.outbox import find_outboxes
from overcast.tracking.run_folder import Run
from overcast.training.plan import make_plan
from overcast.training.train import execute
from overcast.tuning.definition import Search
from overcast.tuning.space import Params
from overcast.tuning.storage import OUT_OF_TIME, STOOD

RUNGS = 10
"""Points of a training at which trials are compared: at a tenth of its epochs, two tenths, and so on, since those of
another number of epochs are at the same point of their learning rate's schedule there."""


SAME, STOPPED, FAILED = "same", "stopped", "failed"
"""How a trial ended that was trained before, that was hopeless, and that diverged or cannot be."""


class OutOfTimeError(StoppedError):
    """The search's time was over in the middle of a trial, which says nothing about it: it is begun again some day."""


class WatchValidation(Callback):
    """Tell the trial its validation negative log-likelihood at each of the `RUNGS`, and end it where that is hopeless.

    Raises: StoppedError, in the middle of a fit.
    """

    def __init__(self, trial: Trial, deadline: float) -> None:
        self.trial, self.deadline, self.rung = trial, deadline, 0
        self.stops = STOOD not in trial.user_attrs

    def on_train_batch_end(self, *_: Any) -> None:
        if time.time() > self.deadline:
            raise OutOfTimeError("the search's time was over")

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        epoch, epochs = trainer.current_epoch + 1, trainer.max_epochs or 1
        rung = RUNGS * epoch // epochs
        if rung <= self.rung:
            return
        self.rung = rung
        self.trial.report(float(trainer.callback_metrics["validation/nll"]), rung)
        if self.stops and rung < RUNGS and self.trial.should_prune():
            raise StoppedError(f"stopped after epoch {epoch} of {epochs}: half of the trials were better at that point")


def objective(trial: Trial, search: Search, fold: int, deadline: float) -> float:
    """The validation negative log-likelihood of the weights that this trial's training keeps.

    deadline: when it has to end, in seconds since 1970.

    Raises: TrialPruned where it is stopped, diverges, or cannot be; OutOfTimeError.
    """
    trial.set_user_attr("process", str(this_process()))
    params = search.space.suggest(trial)
    if (same := _known_value(trial)) is not None:
        trial.set_user_attr("ended", SAME)
        return same
    try:
        run = train_trial(search, fold, trial.number, params, [WatchValidation(trial, deadline)])
        nll, error_rate = validation(run)
    except OutOfTimeError:
        trial.set_user_attr(OUT_OF_TIME, True)
        raise
    except (DivergedError, IncompatibleError, StoppedError) as error:
        trial.set_user_attr("ended", STOPPED if isinstance(error, StoppedError) else FAILED)
        trial.set_user_attr("why", str(error))
        raise TrialPruned(str(error)) from None
    finally:
        drop_unfinished(trial_folder(search, fold, trial.number))
    trial.set_user_attr("accuracy", 1 - error_rate)
    return nll


def _known_value(trial: Trial) -> float | None:
    """That of an earlier trial with the same options: the same seed would train the same network."""
    for other in trial.study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]):
        if other.params == trial.params and other.value is not None:
            return float(other.value)
    return None


def train_trial(search: Search, fold: int, number: int, params: Params, watching: Sequence[Callback] = ()) -> Run:
    """A training of the search, as an MLflow run below the search's.

    Raises: UserError as `overcast.training.train.execute` does, StoppedError as ``watching`` does.
    """
    config = replace(search.config(params, fold), run=str(trial_folder(search, fold, number)))
    plan = make_plan(config, search.info.jobs, search.info.machine)
    try:
        store = reopen_store(config.tracking)
    except UnreachableError:
        warn("MLflow does not answer: the search goes on, and this run is recorded later")
        store = None
    return execute(plan, store, search.info, watching)


def trial_folder(search: Search, fold: int, number: int) -> Path:
    """Where the run of a trial lies while it is worth its room."""
    return search.folder.parents[1] / f"{search.id}-fold{fold}-{number:04d}"


def drop_unfinished(folder: Path) -> None:
    """Remove what a training left that did not end whole, unless MLflow is yet to get something of it."""
    if not (folder / "run.json").exists() and not find_outboxes(folder):
        shutil.rmtree(folder, ignore_errors=True)
