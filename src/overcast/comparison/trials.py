"""A study's runs as tidy tables: one row a trial, one row an epoch of each."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from overcast.config.run_config import mitigation_parts
from overcast.core.words import translate
from overcast.evaluation.sample_outcomes import sample_outcomes
from overcast.tracking.metadata import STRENGTH, flat_params, run_params
from overcast.tracking.run_folder import Run

PAIRING = ("seed", "fold", "split_seed")
"""What makes a repeat; everything else that differs between runs makes a cell."""

NAMED = ("data", "model", "mitigation", *PAIRING, "train_fraction", "epochs")
"""The parameters that every trial is told by."""

FOLLOWS = ("parameters",)
"""What is not chosen but follows from the rest, in records of older versions."""

ENDS = ("_low", "_high")
"""How the names of a single run's intervals end."""


class Diverged(NamedTuple):
    """A trial that has no outcome: its parameters, as `params` has them or as MLflow keeps them, why, its identity."""

    params: Mapping[str, Any]
    reason: str
    identity: str = ""


class Tuned(NamedTuple):
    """How a trial was chosen: the parameters in which the candidates of its fold differ, and how many there were."""

    strengths: Mapping[str, str]
    candidates: int


def trials(
    runs: Sequence[Run], diverged: Sequence[Diverged] = (), tuned: Mapping[str, Tuned] | None = None
) -> pd.DataFrame:
    """One row a run, in the columns that `overcast.comparison.table` reads. The runs must have been evaluated.

    Then one row for each that ``diverged``, without outcomes and with its ``reason``. tuned: of those that were chosen
    among candidates, by identity. They are one cell, whatever strength was ``chosen`` among the ``candidates``.
    """
    flat = [run_params(run.config) for run in runs]
    flat += [{name: _value(value) for name, value in flat_params(each.params).items()} for each in diverged]
    identities = [*(run.facts.get("identity", "") for run in runs), *(each.identity for each in diverged)]
    chosen = [(tuned or {}).get(identity) for identity in identities]
    for given, how in zip(flat, chosen, strict=True):
        for name in how.strengths if how else ():
            given.pop(name, None)
    varying = swept(flat)
    named = [_names(given, varying, how) for given, how in zip(flat, chosen, strict=True)]
    rows = [_row(run, names) for run, names in zip(runs, named, strict=False)]
    for names, each in zip(named[len(rows) :], diverged, strict=True):
        of_name = len(mitigation_parts(names["mitigation"]))
        rows.append(names | {"mitigations": of_name, "diverged": True, "reason": each.reason})
    return pd.DataFrame(rows)


def _value(value: Any) -> Any:
    """A parameter as it was before MLflow made it text."""
    try:
        return ast.literal_eval(value) if isinstance(value, str) else value
    except (ValueError, SyntaxError):
        return value


def diverged_cells(rows: pd.DataFrame) -> list[str]:
    """What to say of each cell with trials that diverged."""
    planned = rows["repeat"].nunique()
    return [
        translate(
            "{cell}: {number} of {planned} repeats diverged ({reason})",
            cell=cell, number=len(some), planned=planned, reason=some["reason"].iloc[0].partition(". ")[0],
        )
        for cell, some in rows[rows["diverged"]].groupby("cell", sort=False)
    ]  # fmt: skip


def swept(flat: Sequence[dict[str, Any]]) -> list[str]:
    """The parameters, but for mitigation and repeat, that were varied: between runs of one network on one data set.

    A strength counts as varied only between runs of the same mitigation: that a cocktail has less of one than the
    one alone is what makes it another mitigation.
    """
    names = [name for name in ("data", "model") if len({given[name] for given in flat}) > 1]
    for name in dict.fromkeys(name for given in flat for name in given):
        same = ("data", "model", "mitigation") if name.startswith(STRENGTH) else ("data", "model")
        values: dict[tuple[Any, ...], set[str]] = {}
        for given in flat:
            if name in given:
                values.setdefault(tuple(given[key] for key in same), set()).add(str(given[name]))
        if max(map(len, values.values())) > 1 and name not in (*PAIRING, *FOLLOWS, "mitigation", *names):
            names.append(name)
    return names


def _names(given: dict[str, Any], varying: list[str], tuned: Tuned | None) -> dict[str, Any]:
    """What tells a trial's cell and repeat, from its parameters."""
    own = [name for name in varying if name in given]
    before = [str(given[name]) for name in own if name in ("data", "model")]
    after = [name for name in own if name not in ("data", "model")]
    settings = {name: f"{name.rsplit('.', 1)[-1]}={given[name]}" for name in after}
    mitigation = f"{given['mitigation']} (tuned)" if tuned else given["mitigation"]
    return {
        **{name: given[name] for name in NAMED},
        "cell": " · ".join([*before, mitigation, *settings.values()]),
        "rest": " · ".join(
            [*before, *(settings[name] for name in after if name not in NAMED and not name.startswith(STRENGTH))]
        ),
        "repeat": "-".join(str(given[name]) for name in PAIRING),
        **(_chosen(given["mitigation"], tuned) if tuned else {}),
    }


def _chosen(mitigation: str, tuned: Tuned) -> dict[str, Any]:
    names = {name: name.removeprefix(STRENGTH).removeprefix(f"{mitigation}.") for name in tuned.strengths}
    words = [f"{names[name]}={value}" for name, value in tuned.strengths.items()]
    return {"chosen": " ".join(words), "candidates": tuned.candidates}


def _row(run: Run, names: dict[str, Any]) -> dict[str, Any]:
    facts = run.facts
    measured = run.metrics
    return {
        "run_id": str(run.folder),
        "name": facts["name"],
        "diverged": False,
        "identity": facts.get("cell", ""),
        "mitigations": sum(option.name != "none" for option in run.config.mitigation),
        **names,
        **{f"test/{name}": _number(value) for name, value in measured["test"].items() if not name.endswith(ENDS)},
        **{f"gap/{name}": value for name, value in measured["gap"].items()},
        **{f"validation/{name}": measured["validation"][name] for name in ("accuracy", "nll")},
        "seconds": facts["seconds"],
        **{f"baseline/{name}": accuracy for name, accuracy in measured["baseline"].items()},
    }


def _number(value: float | None) -> float:
    """NaN for what could not be computed."""
    return np.nan if value is None else value


def answers(runs: Sequence[Run]) -> dict[str, dict[str, np.ndarray]]:
    """Of each run, by run_id, its test part sample by sample (`overcast.evaluation.sample_outcomes`)."""
    return {str(run.folder): sample_outcomes(run) for run in runs}


def curves(runs: Sequence[Run]) -> pd.DataFrame:
    """One row an epoch of each run: ``run_id``, ``epoch`` and the columns of its history."""
    histories = {str(run.folder): run.history for run in runs}
    epochs = [len(history["epoch"]) for history in histories.values()]
    columns = {
        name: np.concatenate(
            [history.get(name, np.full(n, np.nan)) for history, n in zip(histories.values(), epochs, strict=True)]
        )
        for name in dict.fromkeys(name for history in histories.values() for name in history)
    }  # a table for each run, joined, takes ten times as long
    return pd.DataFrame(columns).assign(run_id=np.repeat([*histories], epochs))
