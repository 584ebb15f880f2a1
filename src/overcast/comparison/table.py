"""From finished trials to one table: a row a cell, with its means, its changes against the control and the verdicts.

Trials are compared only with trials of the same context (data, network, share of the train part, epochs and
whatever else was swept), each mitigation with the control, paired by fold and seed. The comparisons of the whole study
in the outcomes of a family are judged together: their intervals hold simultaneously (`overcast.statistics`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from overcast.comparison.changes import change_columns, not_flattered
from overcast.comparison.pairs import CELL, Answers, Context, finished_contexts
from overcast.statistics.estimates import ALPHA, Array, Estimate, one_sample_t, repeated_mean, two_way
from overcast.statistics.fold_covariance import common_ratio
from overcast.statistics.sequential import futile, spent
from overcast.statistics.sign_flips import MIN_FLIPPED_FOLDS, sign_flip_p
from overcast.statistics.simultaneous import (
    ControlComparison,
    compare_with_control,
    mean_of_known,
    simultaneous_level,
)
from overcast.statistics.verdicts import Verdict, detectable, seeds_to_decide
from overcast.study.outcomes import PRIMARY, Families, Outcome, families

Compared = Mapping[str, Sequence[ControlComparison]]
"""Of each outcome's column, a comparison a context."""


def comparison_table(
    trials: pd.DataFrame,
    info: Mapping[str, Any] | None = None,
    answers: Answers | None = None,
    alpha: float = ALPHA,
    looks: Sequence[int] = (),
) -> pd.DataFrame:
    """One row a cell, most accurate first within each context; shares and rates as fractions, not percent.

    ``<outcome>``, ``…/low``, ``…/high``: mean and 95 % interval over the cell's folds, within the outcome's range; of a
    fixed test part over its samples too.
    ``change/<outcome>`` and its interval: paired difference to the ``baseline`` cell, whose mitigation is ``against``;
    the intervals of a family hold simultaneously, those of an outcome that is not judged among themselves.
    ``verdict/<outcome>``: what the interval says (`Verdict`). ``sign_flip/<outcome>``: the adjusted p-value of flipping
    whole folds, NaN with too few. ``detectable/<outcome>``: the smallest difference that such a study finds in four of
    five cases. ``seeds/<outcome>``: how many seeds a fold would decide it (`seeds_to_decide`), NaN if no number will;
    on a ``single_fold``, how many in all.
    ``time``: train time over the baseline's, geometric mean. ``repeats``, ``pairs``, ``planned``: how many trials the
    cell and the comparison have, and how many each cell should have; ``folds``: over how many folds they are.

    ``diverged``, ``baseline_diverged``: how many trials of the cell and of its baseline diverged, which have no outcome
    and are no pair. Those that are left flatter their side: a change in its favour is not judged, but ``flattered``.

    info: ``repeats``, how many are planned, or else as many as there are; ``families``, what is judged. answers: with a
    fixed test part, to it. alpha: what a family may err with. looks: of a sequential study, after how many folds it is
    looked at: ``futile/<outcome>`` then tells which comparisons need not go on.

    Raises: ValueError if no trial has finished.
    """
    info = info or {}
    judged = (info.get("families") or families()).known(trials.columns)
    groups = finished_contexts(trials)
    if not groups:
        raise ValueError("there is no finished trial to compare")
    planned = max(int(info.get("repeats", 0)), trials["repeat"].nunique())
    rows = [_row(context, cell, planned, judged, answers or {}) for context in groups for cell in context.cells]
    changes = _changes(groups, judged, answers or {}, alpha, looks)
    table = not_flattered(pd.concat([pd.DataFrame(rows), changes], axis=1), judged)
    table["order"] = table.groupby("context", sort=False).ngroup()
    ranked = table.sort_values(["order", PRIMARY.column], ascending=[True, False], kind="stable")
    return ranked.drop(columns="order").reset_index(drop=True)


def _row(
    context: Context,
    name: str,
    planned: int,
    judged: Families,
    answers: Answers,
) -> dict[str, Any]:
    """A cell by itself: its means, and what its comparison rests on."""
    cell, base = (context.rows(each) for each in (name, context.control))
    row = {"context": context.name, "planned": planned}
    row |= {"diverged": context.diverged[name], "baseline_diverged": context.diverged[context.control]}
    row |= {key: cell[key].iloc[0] for key in [*CELL[:-1], "mitigation", "cell"]}
    row |= {"single_fold": context.single_fold}
    row |= {"baseline": context.control, "against": base["mitigation"].iloc[0], "is_baseline": name == context.control}
    pairs = cell.merge(base, on="repeat", suffixes=("", "/base"))
    row |= {"repeats": len(cell), "pairs": 0 if row["is_baseline"] else len(pairs)}
    at = context.cells.index(name)
    for outcome in judged.every:
        shared = context.cell_answers(name, outcome.column, answers)
        of_folds = _fold_means(context.values(outcome.column)[at])
        row |= _bounded(outcome, repeated_mean(of_folds) if shared is None else two_way(shared))
    row["folds"] = len(_fold_means(context.values(PRIMARY.column)[at]))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log(pairs["seconds"].to_numpy(float) / pairs["seconds/base"].to_numpy(float))
    times = one_sample_t(ratios[np.isfinite(ratios)])
    return row | {f"time{end}": float(np.exp(value)) for end, value in _ends(times)}


def _fold_means(values: Array) -> Array:
    """(K, R) to (K,), of folds that have any."""
    means = mean_of_known(values)
    return means[np.isfinite(means)]


def _ends(estimate: Estimate) -> list[tuple[str, float]]:
    return [("", float(estimate.mean)), ("/low", float(estimate.low)), ("/high", float(estimate.high))]


def _bounded(outcome: Outcome, estimate: Estimate) -> dict[str, float]:
    return {f"{outcome.column}{end}": float(np.clip(value, *outcome.range)) for end, value in _ends(estimate)}


def _changes(
    groups: Sequence[Context], judged: Families, answers: Answers, alpha: float, looks: Sequence[int]
) -> pd.DataFrame:
    """The columns that compare each cell with its control, in the order of the contexts' cells."""
    compared = compare_all(groups, judged.every, answers)
    levels, blocks = outcome_levels(compared, judged, alpha), []
    last = _last_levels(compared, judged, looks)
    for family in _families(judged):
        flips = _sign_flips(groups, family)
        for outcome in family:
            name, columns = outcome.column, []
            for context, each, p in zip(groups, compared[name], flips[name], strict=True):
                of_context = _columns(outcome, context, each, levels[name], p)
                if looks:
                    hopeless = futile(each, looks[-1], outcome.margin, last[name]) & (not context.control_lost)
                    of_context[f"futile/{name}"] = hopeless.tolist()
                columns.append(_with_control(of_context))
            block = _stacked(columns)
            names = list(block) if outcome in judged.judged else [n for n in block if n.startswith("change/")]
            blocks.append(block[names])
    return pd.concat(blocks, axis=1)


def _last_levels(compared: Compared, judged: Families, looks: Sequence[int]) -> dict[str, float]:
    """`outcome_levels` at the last look, as far as its comparisons can be foreseen; none without looks."""
    if not looks:
        return {}
    after = {column: [each.after(looks[-1]) for each in some] for column, some in compared.items()}
    return outcome_levels(after, judged, spent(looks)[-1])


def compare_context(context: Context, column: str, answers: Answers) -> ControlComparison:
    """Each of a context's cells against its control.

    Of a gap, the test part's samples count as they do in the figure that it is taken from.
    """
    values = context.values(column)
    samples = context.sample_variances(column.replace("gap/", "test/"), answers)
    return compare_with_control(values[1:] - values[:1], common_ratio_of(context, column), samples)


def compare_all(groups: Sequence[Context], outcomes: Sequence[Outcome], answers: Answers) -> Compared:
    """`compare_context` in each of these outcomes."""
    return {
        outcome.column: [compare_context(context, outcome.column, answers) for context in groups]
        for outcome in outcomes
    }


def outcome_levels(compared: Compared, judged: Families, alpha: float = ALPHA) -> dict[str, float]:
    """Of each outcome that was compared, by its column, what each of its intervals may miss with.

    Those of a family hold together, those of an outcome that is only described among themselves.
    """
    levels: dict[str, float] = {}
    for family in _families(judged):
        known = [outcome.column for outcome in family if outcome.column in compared]
        level = simultaneous_level([each for column in known for each in compared[column]], alpha)
        levels |= dict.fromkeys(known, level)
    return levels


def _families(judged: Families) -> list[tuple[Outcome, ...]]:
    return [judged.overfitting, judged.better, *((outcome,) for outcome in judged.described)]


def common_ratio_of(context: Context, column: str) -> float:
    """`common_ratio` of a context's networks: the largest; 0 on a single fold, where nothing is said of others."""
    if context.single_fold:
        return 0.0
    return max(common_ratio(str(network), column) for network in context.trials["model"].unique())


def _columns(
    outcome: Outcome, context: Context, compared: ControlComparison, level: float, p: Array
) -> dict[str, list[Any]]:
    name = outcome.column
    columns: dict[str, list[Any]] = change_columns(outcome, compared.interval(level))
    if context.control_lost:
        columns[f"verdict/{name}"] = [Verdict.NOT_JUDGED.value] * len(compared.mean)
    columns[f"sign_flip/{name}"] = p.tolist()
    columns[f"detectable/{name}"] = [
        detectable(float(error), compared.df, level) if np.isfinite(error) else np.nan
        for error in compared.standard_error
    ]
    folds = 1 if context.single_fold else context.values(name).shape[1]
    columns[f"seeds/{name}"] = seeds_to_decide(compared, folds, outcome.margin, level).tolist()
    return columns


def _with_control(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The control's own row before those of the others: nothing there."""
    return {name: ["" if name.startswith("verdict/") else np.nan, *values] for name, values in columns.items()}


def _stacked(blocks: Sequence[Mapping[str, Sequence[Any]]]) -> pd.DataFrame:
    return pd.concat([pd.DataFrame(dict(block)) for block in blocks], ignore_index=True) if blocks else pd.DataFrame()


def _sign_flips(groups: Sequence[Context], family: Sequence[Outcome]) -> dict[str, list[Array]]:
    """Of each outcome, a p-value a comparison of each context; NaN unless all contexts have the same, enough folds.

    A cell without an outcome in any fold, as one from elsewhere has no gap, is left out.
    """
    means = {o.column: [fold_differences(context, o.column) for context in groups] for o in family}
    known = {name: [np.isfinite(each).any(1) for each in some] for name, some in means.items()}
    every = [each[rows] for name, some in means.items() for each, rows in zip(some, known[name], strict=True)]
    every = [each for each in every if len(each)]
    folds = {each.shape[1] for each in every}
    whole = all(np.isfinite(each).all() for each in every)
    p = {name: [np.full(len(each), np.nan) for each in some] for name, some in means.items()}
    if len(folds) == 1 and min(folds) >= MIN_FLIPPED_FOLDS and whole:
        found = iter(sign_flip_p(every))
        for name, some in p.items():
            for values, rows in zip(some, known[name], strict=True):
                values[rows] = next(found) if rows.any() else np.nan
    return p


def fold_differences(context: Context, column: str) -> Array:
    """(C, K) to the control, means over the seeds that both have."""
    values = context.values(column)
    return mean_of_known(values[1:] - values[:1])
