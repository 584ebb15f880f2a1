"""Which trials are compared with which: contexts, each with its control, and differences fold by fold, seed by seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from overcast.core.words import translate
from overcast.statistics.estimates import Array, by_group, sample_variance
from overcast.study.outcomes import PRIMARY

CONTEXT = ["data", "model", "train_fraction", "epochs"]
CELL = [*CONTEXT, "cell"]
PREDICTORS = ("linear", "majority", "persistence")
"""What needs no network: their test accuracy stands beside every trial's."""

ASSUMED = {"diverged": False, "split_seed": 0, "design": "one_at_a_time", "equal": "epochs", "lengths": ""}
"""What holds for a table of trials that does not say."""

Answers = Mapping[str, Mapping[str, np.ndarray]]
"""Of each run, by its id: its test part sample by sample, as `overcast.comparison.trials.answers` gives it."""


@dataclass(frozen=True)
class Context:
    """Trials that may be compared: the same data, network and whatever else was swept, but for the mitigation.

    name: "" if there is only one. trials: one row each. control: the cell that the others are compared with. Of
    `finished_contexts`, diverged: how many trials of each cell did; control_lost: the cell that the others were to be
    compared with, if every trial of it diverged.
    """

    name: str
    trials: pd.DataFrame
    control: str
    diverged: Counter[str] = field(default_factory=Counter)
    control_lost: str = ""

    @cached_property
    def cells(self) -> list[str]:
        """The control first."""
        names = list(dict.fromkeys(self.trials["cell"]))
        return [self.control, *(name for name in names if name != self.control)]

    @cached_property
    def _places(self) -> pd.DataFrame:
        """Of each repeat its fold and the rank of its seed there: (k, r). On a single fold, seeds take its place."""
        places = self.trials.assign(fold=self._folds).drop_duplicates("repeat").set_index("repeat")
        if self.single_fold:
            return pd.DataFrame({"k": places["seed"].rank(method="first").astype(int) - 1, "r": 0})
        k = pd.Series(pd.factorize(places["fold"], sort=True)[0], places.index)
        return pd.DataFrame({"k": k, "r": places["seed"].groupby(k).rank(method="first").astype(int) - 1})

    @cached_property
    def _folds(self) -> pd.Series:
        """Of each trial, the seed of its split and its fold."""
        return pd.Series(list(zip(self.trials["split_seed"], self.trials["fold"], strict=True)), self.trials.index)

    @property
    def fold_names(self) -> list[str]:
        """Of each fold, in the order of `values`; with its split where there are several."""
        folds = sorted(set(self._folds))
        if len({split for split, _ in folds}) == 1:
            return [str(fold) for _, fold in folds]
        return [f"{fold} ({translate('split {split}', split=split)})" for split, fold in folds]

    @property
    def single_fold(self) -> bool:
        """Whether its repeats differ in their seeds alone: what it says then holds for this split only."""
        return len(set(self._folds)) == 1

    @cached_property
    def _cell_numbers(self) -> NDArray[np.int64]:
        """(trials,) which of ``cells`` each is of."""
        at = {name: number for number, name in enumerate(self.cells)}
        return np.array([at[cell] for cell in self.trials["cell"]])

    @cached_property
    def _runs(self) -> dict[str, dict[str, str]]:
        """Of each cell, the run of each repeat."""
        runs: dict[str, dict[str, str]] = {name: {} for name in self.cells}
        for cell, repeat, run in self.trials[["cell", "repeat", "run_id"]].itertuples(index=False, name=None):
            runs[cell][repeat] = run
        return runs

    def values(self, column: str) -> Array:
        """(cells, folds, seeds) of an outcome, NaN where there is no finished trial."""
        places = self._places.loc[self.trials["repeat"]].to_numpy()
        values = np.full((len(self.cells), *(self._places.max() + 1)), np.nan)
        values[self._cell_numbers, places[:, 0], places[:, 1]] = self.trials[column].to_numpy(float)
        return values

    def sample_variances(self, column: str, answers: Answers) -> Array:
        """(C,) the variance of each mean difference by way of the samples of a test part that all runs share.

        answers: of the same samples in the same order, groups of which count as one; zeros where not all are known
        (`sample_variance`).
        """
        variances = np.zeros(len(self.cells) - 1)
        for c, cell in enumerate(self.cells[1:] if answers else ()):
            both = self._both(cell)
            pairs = [(answers.get(ours, {}), answers.get(theirs, {})) for ours, theirs in both.values()]
            known = [ours[column] - theirs[column] for ours, theirs in pairs if column in ours and column in theirs]
            if len(known) < max(len(both), 2):
                continue
            variances[c] = sample_variance(by_group(np.stack(known), pairs[0][0]["group"]))
        return variances

    def cell_answers(self, cell: str, column: str, answers: Answers) -> Array | None:
        """(folds, G) what a cell's runs answered to a test part that all share, mean over the seeds of a fold and as
        one for samples of a group.

        None unless all are known.
        """
        of_fold: dict[int, list[Array]] = {}
        for repeat, run in self._runs[cell].items():
            if column not in (known := answers.get(run, {})):
                return None
            of_fold.setdefault(self._fold_numbers[repeat], []).append(by_group(known[column], known["group"]))
        return np.stack([np.mean(of_fold[fold], axis=0) for fold in sorted(of_fold)])

    def sample_differences(self, cell: str, column: str, answers: Answers) -> dict[int, tuple[Array, Array, Array]]:
        """Of each fold, sample by sample of its test part: the difference of a cell to the control, mean over the seeds
        that both have, the samples' groups and their rows; no fold of which a run's answers are not known.
        """
        of_fold: dict[int, list[tuple[Array, Array, Array]]] = {}
        for repeat, pair in self._both(cell).items():
            ours, theirs = (answers.get(run, {}) for run in pair)
            if column in ours and column in theirs and np.array_equal(ours["row"], theirs["row"]):
                difference = (ours[column] - theirs[column], ours["group"], ours["row"])
                of_fold.setdefault(self._fold_numbers[repeat], []).append(difference)
        return {fold: (np.mean([each[0] for each in some], axis=0), *some[0][1:]) for fold, some in of_fold.items()}

    def rows(self, cell: str) -> pd.DataFrame:
        """The trials of a cell."""
        return self.trials[self.trials["cell"] == cell]

    def _both(self, cell: str) -> dict[str, tuple[str, str]]:
        """Of each repeat that a cell and the control have, the run of either."""
        control = self._runs[self.control]
        return {repeat: (run, control[repeat]) for repeat, run in self._runs[cell].items() if repeat in control}

    @cached_property
    def _fold_numbers(self) -> dict[str, int]:
        return {str(repeat): int(k) for repeat, k in self._places["k"].items()}


def finished_contexts(trials: pd.DataFrame) -> list[Context]:
    """The `contexts` of what has finished, each with these trials alone; of a trial that ran twice the last one counts.

    Where every trial of a control diverged, the first cell stands in its place: nothing may be judged against it then.
    """
    found = []
    for context in contexts(trials):
        rows = context.trials.sort_values("diverged", ascending=False, kind="stable")
        rows = rows.drop_duplicates([*CELL, "repeat"], keep="last")
        diverged = Counter(rows.loc[rows["diverged"], "cell"])
        finished = rows[np.isfinite(rows[PRIMARY.column].astype(float))]
        if (finished["cell"] == context.control).any():
            found.append(Context(context.name, finished, context.control, diverged))
        elif len(finished):
            stand_in = str(finished["cell"].iloc[0])
            found.append(Context(context.name, finished, stand_in, diverged, context.control))
    return found


def contexts(trials: pd.DataFrame) -> Iterator[Context]:
    """The groups of trials that may be compared, those too that diverged.

    ``rest``: what was varied beside mitigations and their strengths; told by the cell's name where it is no column.
    Where a study has one mitigation and sweeps something else, its cells are compared with each other.

    trials: as `overcast.comparison.trials` and `trial_table` give them; of a table from elsewhere, `ASSUMED` holds for
    the columns that it lacks.
    """
    trials = trials.assign(**{name: value for name, value in ASSUMED.items() if name not in trials})
    if "rest" not in trials:
        rest = [_without(cell, name) for cell, name in zip(trials["cell"], trials["mitigation"], strict=True)]
        trials = trials.assign(rest=rest)
    context = [key for key in CONTEXT if key != "epochs" or not _across_epochs(trials)]
    keys = [*context, "rest"] if trials["mitigation"].nunique() > 1 else ["data"]
    varying: list[str] = []
    for key in keys:  # what those before it tell already is in no name
        if len(trials[[*varying, key]].drop_duplicates()) > (len(trials[varying].drop_duplicates()) if varying else 1):
            varying.append(key)
    for values, group in trials.groupby(keys, sort=False, dropna=False):
        named = dict(zip(keys, values, strict=True))
        rest = str(named.get("rest", "")).split(" · ")
        parts = [
            f"{k}={named[k]}" if k in ("train_fraction", "epochs") else str(named[k]) for k in varying if k != "rest"
        ]
        yield Context(" · ".join(dict.fromkeys(p for p in [*parts, *rest] if p)), group, _control(group))


def _across_epochs(trials: pd.DataFrame) -> bool:
    """Whether epochs are a cell's own: as many as take the control's time (``equal``), or a factor (``lengths``)."""
    return bool((trials["equal"] == "compute").any() or (trials["lengths"] != "").any())


def _without(cell: str, mitigation: str) -> str:
    return " · ".join(part for part in cell.split(" · ") if part != mitigation)


def _control(group: pd.DataFrame) -> str:
    """The cell that everything in this context is compared with: no mitigation, or else the first.

    In a study that leaves one of several out (``design``), it is the one with all of them; where the training's length
    is a factor, the shorter one.
    """
    if (group["design"] == "leave_one_out").all():
        return str(group.loc[group["mitigations"].idxmax(), "cell"])
    named = group[group["mitigation"] == "none"]
    if _across_epochs(group):
        named = named[named["epochs"] == named["epochs"].min()]
    return str((named if len(named) else group)["cell"].iloc[0])
