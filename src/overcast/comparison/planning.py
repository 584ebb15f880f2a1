"""How many seeds a fold a question takes, and what a time buys, from the noise of a study that was run as a pilot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from overcast.comparison.pairs import Answers, Context, finished_contexts
from overcast.comparison.study_plan import read_plan
from overcast.comparison.study_record import check_runs, diverged_trials, evaluate_missing, recorded_study, trial_table
from overcast.comparison.table import compare_all, outcome_levels
from overcast.comparison.trials import answers
from overcast.comparison.wording import number
from overcast.core.cores import cores
from overcast.core.errors import UserError
from overcast.statistics.simultaneous import ControlComparison
from overcast.statistics.verdicts import MAX_SEEDS, detectable
from overcast.study.outcomes import Families, Outcome


@dataclass(frozen=True)
class Pilot:
    """What a study of one context tells of the next one in an outcome.

    folds, seeds: a fold. cells: how many, the control with them. seconds: of one run. level: of one interval.
    """

    context: str
    outcome: Outcome
    compared: ControlComparison
    folds: int
    seeds: int
    cells: int
    seconds: float
    level: float

    def detectable(self, seeds: int) -> float:
        """The smallest difference that four of five studies with so many seeds a fold find."""
        return detectable(self.error(seeds), self.compared.df, self.level)

    def error(self, seeds: int) -> float:
        """The standard error with so many seeds a fold: over the comparisons, the root of the mean square."""
        return float(np.sqrt(np.nanmean(self.compared.error(self.folds, seeds) ** 2)))

    def seeds_for(self, difference: float) -> int | None:
        """How many seeds a fold find this difference; None if no number does."""
        return next((seeds for seeds in range(1, MAX_SEEDS + 1) if self.detectable(seeds) <= difference), None)

    def hours(self, seeds: int, jobs: int) -> float:
        """How long so many seeds take, with as many runs at once."""
        return self.folds * seeds * self.cells * self.seconds / jobs / 3600

    def seeds_in(self, hours: float, jobs: int) -> int:
        """How many seeds a fold fit into a time; 0 if not even one does."""
        return int(hours / self.hours(1, jobs))


def pilots(trials: pd.DataFrame, judged: Families, fixed_answers: Answers) -> list[Pilot]:
    """A pilot a context and judged outcome, of those with at least two folds and something to compare.

    fixed_answers: with a fixed test part, to it.
    """
    groups = finished_contexts(trials)
    compared = compare_all(groups, judged.judged, fixed_answers)
    levels = outcome_levels(compared, judged)
    return [
        _pilot(context, outcome, each, levels[outcome.column])
        for outcome in judged.judged
        for context, each in zip(groups, compared[outcome.column], strict=True)
        if each.compared.any() and not context.single_fold and not context.control_lost
    ]


def _pilot(context: Context, outcome: Outcome, compared: ControlComparison, level: float) -> Pilot:
    folds = context.values(outcome.column).shape[1]
    seconds = float(context.trials["seconds"].mean())
    return Pilot(context.name, outcome, compared, folds, max(compared.seeds, 1), len(context.cells), seconds, level)


def plan_sentences(pilot: Pilot, difference: float | None, hours: float | None, jobs: int) -> list[str]:
    """What this study finds; what a difference takes; what a time buys."""
    outcome, name = pilot.outcome, f"{pilot.context}, " if pilot.context else ""
    name += pilot.outcome.label

    def size(value: float) -> str:
        return f"{number(value, 1 if outcome.percent else 2, outcome.scale)} {outcome.unit}".strip()

    def took(seeds: int) -> str:
        runs, time = pilot.folds * seeds * pilot.cells, pilot.hours(seeds, jobs)
        shown = f"{time:.1f} hours" if time >= 1 else f"{60 * time:.0f} minutes"
        many = f"{seeds} seed{'s' if seeds > 1 else ''} in each of {pilot.folds} folds"
        return f"{many} ({runs:,} runs, {shown}, {jobs} at once)"

    now = size(pilot.detectable(pilot.seeds))
    lines = [f"{name}: with {took(pilot.seeds)} {now} are found in four of five studies."]
    if np.isnan(pilot.compared.seed_variance):
        lines.append("One seed a fold does not tell folds' noise from that of seeds: all is taken for the latter.")
    if difference is not None:
        seeds = pilot.seeds_for(difference)
        floor, fixed = size(pilot.detectable(MAX_SEEDS)), pilot.compared.sample_variance.any()
        left = "folds, what they share and the samples of the test part" if fixed else "folds and what they share"
        none = f"No number of seeds finds {size(difference)}: {left} leave {floor}. More data would."
        lines.append(f"To find {size(difference)}: {took(seeds)}." if seeds else none)
    if hours is not None:
        seeds = pilot.seeds_in(hours, jobs)
        bought = f"{took(seeds)} find {size(pilot.detectable(seeds))}" if seeds else "not one seed in every fold fits"
        lines.append(f"In {hours:g} hours: {bought}.")
    return lines


def plan_study(
    study: str = "", differences: Mapping[str, str] | None = None, hours: str = "", jobs: str = "",
    tracking: Sequence[str] = (),
) -> str:  # fmt: skip
    """What a study as a pilot tells of the next one, in sentences.

    differences: to find, by outcome; without any the margin of each judged outcome. hours: what a time buys. jobs: how
    many runs are at once, as many as there are cores without it.

    Raises: UserError as `compare` does, or if a number is none.
    """
    wanted = {name: _above_zero(name, text) for name, text in (differences or {}).items()}
    time, at_once = (_above_zero(name, text) if text else None for name, text in (("hours", hours), ("jobs", jobs)))
    with TemporaryDirectory(prefix="overcast-") as fetched:
        _, record = recorded_study(study, tracking, Path(fetched))
        check_runs(record)
        judged = read_plan(record.parent)["families"]
        gone = evaluate_missing(record.runs, judged)
        runs = [run for run in record.runs if run not in gone]
        diverged = diverged_trials(record.planned, {run.facts["identity"] for run in record.runs})
        rows = trial_table(record.parent, record.planned, runs, [*gone.values(), *diverged])
        known = answers([run for run in runs if run.facts.get("official_test")])
    lines = []
    for pilot in pilots(rows, judged, known):
        name = pilot.outcome.column.removeprefix("test/").replace("/", "_")
        if not wanted or name in wanted:
            difference = wanted.get(name, pilot.outcome.margin)
            lines += plan_sentences(pilot, difference, time, round(at_once or cores()))
    if not lines:
        raise UserError(f"the study {record.parent.tags['study']} compares nothing over several folds: it is no pilot")
    return "\n".join(lines)


def _above_zero(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (value > 0 and math.isfinite(value)):
        raise UserError(f"{name}={text}: give a number above zero")
    return value
