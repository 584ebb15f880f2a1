"""What a search found, fold by fold: chosen on validation parts, told of test parts that no trial has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial

from overcast.core.console import show
from overcast.core.errors import UserError
from overcast.evaluation.bootstrap import RESAMPLES, draw_resamples
from overcast.evaluation.evaluate import evaluate, open_recorder
from overcast.evaluation.sample_outcomes import sample_outcomes
from overcast.statistics.estimates import ALPHA
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import Run
from overcast.training.recording import record_files
from overcast.tuning.definition import Search
from overcast.tuning.objective import train_trial, trial_folder
from overcast.tuning.worker import best_trial, stood_trial


@dataclass(frozen=True)
class Difference:
    """Tuned minus as it stood, in negative log-likelihood on the same test samples, and its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FoldOutcome:
    """Of a fold's search. winner: its best trial. run, stood: of that and of the options as they stood, if whole."""

    fold: int
    trials: Sequence[FrozenTrial]
    winner: FrozenTrial
    values: dict[str, Any]
    run: Run
    stood: Run | None

    @property
    def validation(self) -> float:
        assert self.winner.value is not None
        return float(self.winner.value)

    @property
    def test(self) -> dict[str, float]:
        """The winner's figures on the test part."""
        return dict(self.run.metrics["test"])

    @property
    def optimism(self) -> float:
        """By how much validation flatters the winner: it was chosen for that figure, which is luck in part."""
        return float(self.test["nll"] - self.validation)


def fold_outcome(search: Search, fold: int, study: Study) -> FoldOutcome:
    """The outcome of a fold; the test part is measured here, once for the winner and once for what stood.

    Raises: UserError if no trial was whole.
    """
    trials = study.get_trials(deepcopy=False)
    winner, stood = best_trial(trials), stood_trial(trials)
    if winner is None:
        why = next((trial.user_attrs["why"] for trial in trials if "why" in trial.user_attrs), "")
        told = f": {why}" if why else ". Give a larger budget, fewer epochs or a smaller network"
        raise UserError(f"no trial of fold {fold} was trained to its end, so nothing is chosen{told}")
    runs = [_measured(search, fold, trial) if trial else None for trial in (winner, stood)]
    assert runs[0]
    return FoldOutcome(fold, trials, winner, search.space.values(winner.params), runs[0], runs[1])


def _measured(search: Search, fold: int, trial: FrozenTrial) -> Run:
    """The run of a trial with its test figures: that which was kept, or trained again where another machine has it."""
    run: Run
    try:
        run = load_run(trial_folder(search, fold, trial.number))
    except UserError:
        show(f"trial {trial.number} of fold {fold} was trained elsewhere: once more here", flush=True)
        run = train_trial(search, fold, trial.number, trial.params)
    if not run.metrics:
        evaluate(run, pictures=False)
        record_files(open_recorder(run), run)
    return run


def difference(outcomes: Sequence[FoldOutcome]) -> Difference | None:
    """Tuned minus as it stood over the test samples of all folds, those of one source drawn together; None without."""
    pairs = [(sample_outcomes(each.run), sample_outcomes(each.stood)) for each in outcomes if each.stood]
    if len(pairs) < len(outcomes):
        return None
    changes = np.concatenate([tuned["test/nll"] - stood["test/nll"] for tuned, stood in pairs])
    groups = np.concatenate([tuned["group"] for tuned, _ in pairs])
    weights = draw_resamples(groups, 0, RESAMPLES)
    low, high = np.quantile(weights @ changes / weights.sum(1), [ALPHA / 2, 1 - ALPHA / 2])
    return Difference(float(changes.mean()), float(low), float(high))
