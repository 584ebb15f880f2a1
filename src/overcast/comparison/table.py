"""From finished trials to one table: a row a cell, with its means, its change against the baseline, its verdict.

Trials are compared only with trials of the same context (data, network, share of the train part, epochs and
whatever else was swept), each mitigation with the baseline, paired by repeat.

The comparisons of the whole study are one family for `overcast.statistics.estimates.paired_tests`, which says what is
**clear**.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from overcast.core.metric_labels import METRIC_LABELS
from overcast.statistics.estimates import Array, Estimate, one_sample_t, paired_tests, two_way


@dataclass(frozen=True)
class Outcome:
    """One thing that is measured: its column, what people call it, how its numbers are shown, and their range."""

    column: str
    label: str
    percent: bool = True
    range: tuple[float, float] = (0, 1)


PRIMARY = Outcome("test/accuracy", "test accuracy")
OUTCOMES = (
    PRIMARY,
    Outcome("test/nll", METRIC_LABELS["nll"], percent=False, range=(0, np.inf)),
    Outcome("test/macro_f1", METRIC_LABELS["macro_f1"]),
    Outcome("test/ece", METRIC_LABELS["ece"]),
    Outcome("gap/accuracy", "gap in accuracy", range=(-1, 1)),
    Outcome("gap/nll", f"gap in {METRIC_LABELS['nll']}", percent=False, range=(-np.inf, np.inf)),
)
CONTEXT = ["data", "model", "train_fraction", "epochs"]
CELL = [*CONTEXT, "cell"]

Correct = Mapping[str, np.ndarray]
"""Of each run: was each row of the fixed test part classified correctly? The same rows in the same order."""


def comparison_table(trials: pd.DataFrame, info: Mapping[str, Any], correct: Correct | None = None) -> pd.DataFrame:
    """One row a cell, best first within each context; shares and rates as fractions, not percent.

    ``<outcome>``, ``…/low``, ``…/high``: mean and interval over the cell's repeats, within the outcome's range.
    ``change/<outcome>`` and its interval: paired difference to the ``baseline`` cell, whose mitigation is ``against``.
    For the primary outcome also ``p``, ``p_holm``, ``p_overlap``, ``p_overlap_holm``, ``overlap/low`` and ``/high``,
    ``rho`` (the mean ``overlap`` of its pairs), ``detectable`` and ``clear`` (see `PairedTests`). ``time``: train
    time over the baseline's, geometric mean. ``repeats``, ``pairs``, ``planned``: how many trials the cell and
    the comparison have, and how many each cell should have.

    ``diverged``, ``baseline_diverged``: how many trials of the cell and of its baseline diverged, which have no outcome
    and are no pair; ``flattered``: whether the side that is ahead has some. Those that are left flatter it, so that
    such a change is never clear.

    With an official test part and ``correct``, the primary outcome's intervals and tests are two-way.
    """
    finished = trials[np.isfinite(trials[PRIMARY.column].astype(float))]
    finished = finished.drop_duplicates([*CONTEXT, "cell", "repeat"], keep="last")
    if finished.empty:
        raise ValueError("there is no finished trial to compare")
    planned = max(int(info.get("repeats", 0)), trials["repeat"].nunique())
    known = correct if info.get("official_test") and correct else {}
    gone = _diverged(trials)
    rows = []
    for context, group in contexts(finished):
        base = _baseline(group)
        for _, cell in group.groupby("cell", sort=False):
            lost = {"diverged": gone.get(_key(cell), 0), "baseline_diverged": gone.get(_key(base), 0)}
            rows.append({"context": context, "planned": planned} | lost | _row(cell, base, known))
    judged = _judged(rows)
    ahead = judged[f"change/{PRIMARY.column}"] > 0
    diverged_ahead = judged["diverged"].where(ahead, judged["baseline_diverged"])
    judged["flattered"] = (diverged_ahead > 0) & ~judged["is_baseline"]
    judged["clear"] &= ~judged["flattered"]
    judged["order"] = judged.groupby("context", sort=False).ngroup()
    ranked = judged.sort_values(["order", PRIMARY.column], ascending=[True, False], kind="stable")
    return ranked.drop(columns="order").reset_index(drop=True)


def _diverged(trials: pd.DataFrame) -> dict[tuple[Any, ...], int]:
    """How many trials of each cell diverged."""
    gone = trials[trials["diverged"]] if "diverged" in trials else trials.iloc[:0]
    return Counter(gone.drop_duplicates([*CELL, "repeat"])[CELL].itertuples(index=False, name=None))


def _key(cell: pd.DataFrame) -> tuple[Any, ...]:
    """What tells a cell from all others."""
    return tuple(cell[CELL].iloc[0])


def contexts(trials: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The groups of trials that may be compared, each with its name, which is empty if there is only one.

    ``rest``: what was varied beside mitigations and their strengths; told by the cell's name where it is no column.
    Where a study has one mitigation and sweeps something else, its cells are compared with each other.
    """
    if "rest" not in trials:
        rest = [_without(cell, name) for cell, name in zip(trials["cell"], trials["mitigation"], strict=True)]
        trials = trials.assign(rest=rest)
    keys = [*CONTEXT, "rest"] if trials["mitigation"].nunique() > 1 else ["data"]
    varying = [key for key in keys if trials[key].nunique() > 1]
    for values, group in trials.groupby(keys, sort=False, dropna=False):
        named = dict(zip(keys, values, strict=True))
        rest = str(named.get("rest", "")).split(" · ")
        parts = [
            f"{k}={named[k]}" if k in ("train_fraction", "epochs") else str(named[k]) for k in varying if k != "rest"
        ]
        yield " · ".join(dict.fromkeys(p for p in [*parts, *rest] if p)), group


def _without(cell: str, mitigation: str) -> str:
    return " · ".join(part for part in cell.split(" · ") if part != mitigation)


def _baseline(group: pd.DataFrame) -> pd.DataFrame:
    """The trials of the cell that everything in this context is compared with: no mitigation, or else the first."""
    named = group[group["mitigation"] == "none"]
    first = (named if len(named) else group)["cell"].iloc[0]
    return group[group["cell"] == first]


def _row(cell: pd.DataFrame, base: pd.DataFrame, correct: Correct) -> dict[str, Any]:
    kept = [*CONTEXT, "mitigation", "cell"]
    row = {key: cell[key].iloc[0] for key in kept}
    row |= {"baseline": base["cell"].iloc[0], "against": base["mitigation"].iloc[0], "repeats": len(cell)}
    for outcome in OUTCOMES:
        row |= _with_interval(
            outcome.column, one_sample_t(_finite(cell[outcome.column].to_numpy(float))), outcome.range
        )
    if len(alone := _stacked(cell["run_id"], correct)):
        row |= _with_interval(PRIMARY.column, two_way(alone), PRIMARY.range)
    itself = row["cell"] == row["baseline"]
    row["is_baseline"] = itself
    return row | ({"pairs": 0, "time": 1.0, "differences": []} if itself else _change(cell, base, correct))


def _change(cell: pd.DataFrame, base: pd.DataFrame, correct: Correct) -> dict[str, Any]:
    pairs = cell.merge(base, on="repeat", suffixes=("", "/base"))
    row: dict[str, Any] = {"pairs": len(pairs), "rho": pairs["overlap"].mean()}
    for outcome in OUTCOMES:
        differences = pairs[outcome.column].to_numpy(float) - pairs[f"{outcome.column}/base"].to_numpy(float)
        row |= _with_interval(f"change/{outcome.column}", one_sample_t(_finite(differences)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log(pairs["seconds"].to_numpy(float) / pairs["seconds/base"].to_numpy(float))
    row |= {key: np.exp(value) for key, value in _with_interval("time", one_sample_t(_finite(ratios))).items()}
    primary = (pairs[PRIMARY.column] - pairs[f"{PRIMARY.column}/base"]).to_numpy(float)
    ours, theirs = _stacked(pairs["run_id"], correct), _stacked(pairs["run_id/base"], correct)
    return row | {"differences": ours - theirs if len(ours) and ours.shape == theirs.shape else primary}


def _judged(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows with the tests of the primary outcome over all of them, and the verdicts."""
    differences = [row.pop("differences") for row in rows]
    made = pd.DataFrame(rows)
    changes = [f"change/{outcome.column}{end}" for outcome in OUTCOMES for end in ("", "/low", "/high")]
    made = made.reindex(columns=list(dict.fromkeys([*made.columns, "rho", *changes])))
    tests = paired_tests(differences, made["rho"].to_numpy(float))
    for name, estimate in ((f"change/{PRIMARY.column}", tests.paired), ("overlap", tests.corrected)):
        made[f"{name}/low"], made[f"{name}/high"] = estimate.low, estimate.high
    made[f"change/{PRIMARY.column}"] = tests.paired.mean
    made["p"], made["p_overlap"] = tests.paired.p, tests.corrected.p
    made["p_holm"], made["p_overlap_holm"] = tests.p_paired, tests.p_corrected
    made["detectable"], made["clear"] = tests.detectable, tests.clear
    return made


def _with_interval(name: str, estimate: Estimate, bounds: tuple[float, float] = (-np.inf, np.inf)) -> dict[str, float]:
    low, high = np.clip([float(estimate.low), float(estimate.high)], *bounds)
    return {name: float(estimate.mean), f"{name}/low": float(low), f"{name}/high": float(high)}


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def _stacked(runs: pd.Series, correct: Correct) -> Array:
    """``(runs, samples)``; empty unless every run's answers are known, to equally many samples."""
    known = [np.asarray(correct[run], float) for run in runs if run in correct]
    whole = len(known) == len(runs) >= 2 and len({len(row) for row in known}) == 1
    return np.stack(known) if whole else np.empty((0, 0))
