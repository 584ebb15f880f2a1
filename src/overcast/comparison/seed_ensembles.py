"""What the seeds of a fold are worth as one model, beside one of them alone: an ensemble's gain, and its cost.

The mean of the members' probabilities, on their test part (Lakshminarayanan, Pritzel & Blundell 2017). Runs of one cell
and one fold are one model. Runs of several folds are so only where there is an official test part: elsewhere every row
has trained a member. The mean log-likelihood of an ensemble is never below that of its members (Jensen's inequality);
its accuracy may be. Intervals are about these very models: over samples, groups of them counted as one
(`overcast.statistics.conditional`).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from overcast.comparison.study_record import check_runs, evaluate_missing, recorded_study
from overcast.core.atomic import whole_file, writing
from overcast.core.errors import UserError
from overcast.core.paths import project_path
from overcast.core.words import translate, use_language
from overcast.evaluation.sample_outcomes import FIRST, outcomes_of_samples, prediction_rows
from overcast.statistics.conditional import clustered_mean
from overcast.statistics.estimates import ALPHA
from overcast.tracking.find_run import find_runs
from overcast.tracking.run import name_part
from overcast.tracking.run_folder import Run

FIGURES = {"accuracy": "test/accuracy", "nll": "test/nll"}
"""What an ensemble gains in, and which outcome of samples that is."""


@dataclass(frozen=True)
class SeedEnsemble:
    """Runs that answer as one. name: of the cell. fold: "" where runs of several folds are one.

    single, together: (N,) of each test sample, by outcome: the members' mean, and the ensemble. groups: (N,).
    """

    name: str
    fold: str
    runs: Sequence[Run]
    single: dict[str, np.ndarray]
    together: dict[str, np.ndarray]
    groups: np.ndarray


def ensemble_table(ensembles: Sequence[SeedEnsemble]) -> pd.DataFrame:
    """A row an ensemble, then, of cells with several, one over all their folds (``fold`` is "all").

    ``accuracy`` and ``nll``: of one member, on average; ``…_ensemble``; ``…_change``, ``…_low``, ``…_high``: the
    difference and its interval. ``train_seconds``: of one member; ``multiply_adds``: of one answer by it.
    """
    rows = [_row(each.name, each.fold, [each]) for each in ensembles]
    for name in dict.fromkeys(each.name for each in ensembles):
        same = [each for each in ensembles if each.name == name]
        rows += [_row(name, "all", same)] if len(same) > 1 else []
    return pd.DataFrame(rows)


def _row(name: str, fold: str, ensembles: Sequence[SeedEnsemble]) -> dict[str, object]:
    facts = [run.facts for each in ensembles for run in each.runs]
    row: dict[str, object] = {"cell": name, "fold": fold, "members": len(ensembles[0].runs)}
    groups = np.concatenate([each.groups for each in ensembles])
    for figure, outcome in FIGURES.items():
        single, together = (
            np.concatenate([values[outcome] for values in kind])
            for kind in ([each.single for each in ensembles], [each.together for each in ensembles])
        )
        change = clustered_mean(together - single, groups, ALPHA)
        row |= {figure: single.mean(), f"{figure}_ensemble": together.mean(), f"{figure}_change": float(change.mean)}
        row |= {f"{figure}_low": float(change.low), f"{figure}_high": float(change.high)}
    row["train_seconds"] = float(np.mean([each["seconds"] for each in facts]))
    row["multiply_adds"] = facts[0]["multiply_adds"]
    return row


def seed_ensembles(runs: Sequence[Run]) -> list[SeedEnsemble]:
    """The ensembles that these runs, which have been evaluated, make.

    Raises: UserError if none has two members.
    """
    together: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        fold = "" if run.facts.get("official_test") else str(run.config.split.fold)
        together.setdefault((run.facts["cell"], fold), []).append(run)
    made = [_ensemble(fold, same) for (_, fold), same in together.items() if len(same) > 1]
    if not made:
        raise UserError(
            "no two of these runs are seeds of one fold and one cell. Runs of several folds are one model only where "
            "there is an official test part: elsewhere every row has trained a member. Train more seeds, such as "
            "study.seeds=3"
        )
    return made


def _ensemble(fold: str, runs: Sequence[Run]) -> SeedEnsemble:
    parts = [_predictions(run) for run in runs]
    first = parts[0]
    if any(part.rows.tolist() != first.rows.tolist() for part in parts):
        raise UserError(f"{runs[0].folder} and others of its fold were measured on different samples")
    each = np.stack([part.probabilities for part in parts])  # (M, N, K)
    single = {name: values.mean(0) for name, values in _figures(each, first.target).items()}
    name = runs[0].facts["name"].rpartition(" · seed ")[0]
    return SeedEnsemble(name, fold, runs, single, _figures(each.mean(0), first.target), first.groups)


def _figures(probabilities: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    """The outcomes of each sample, (…, N), of probabilities (…, N, K)."""
    return outcomes_of_samples(probabilities.argmax(-1) == target, probabilities[..., np.arange(len(target)), target])


class _TestPart(NamedTuple):
    """A run's predictions.csv: rows of the pack, class indices and groups (N,), and probabilities (N, K)."""

    rows: np.ndarray
    target: np.ndarray
    groups: np.ndarray
    probabilities: np.ndarray


def _predictions(run: Run) -> _TestPart:
    classes, lines = prediction_rows(run)
    number = {name: index for index, name in enumerate(classes)}
    p = np.array([line[FIRST:] for line in lines], float)  # as they were rounded
    return _TestPart(
        rows=np.array([int(line[0]) for line in lines]),
        target=np.array([number[line[3]] for line in lines]),
        groups=np.array([int(line[1]) for line in lines]),
        probabilities=p / p.sum(1, keepdims=True),
    )


def measure_ensembles(
    study: str = "", runs: str = "", out: str = "", tracking: Sequence[str] = (), language: str = "en"
) -> str:
    """Evaluate what was not yet, write the `ensemble_table` as a csv file, and give what to print.

    study: as for `compare`; its run in MLflow gets the table, and the gain of each cell as ``ensemble/…``. runs:
    folders or ids with commas between them, instead. out: the file, in the place of ``reports/ensembles-<study>.csv``.
    language: of what is printed.

    Raises: UserError if there is no such study or run, or they make no ensemble.
    """
    with use_language(language), TemporaryDirectory(prefix="overcast-") as folder:
        recorder = None
        if runs:
            key, found = "runs", list[Run](find_runs(runs, tracking=tracking))
        else:
            store, record = recorded_study(study, tracking, Path(folder))
            check_runs(record)
            key, found = record.parent.tags["study"], list(record.runs)
            recorder = store.recorder(record.parent.id, record.parent.tags)
        diverged = evaluate_missing(found)
        table = ensemble_table(seed_ensembles([run for run in found if run not in diverged]))
        path = Path(out) if out else project_path(f"reports/ensembles-{key}.csv")
        with writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        whole_file(path, table.to_csv(index=False, float_format="%.6g"))
        if recorder:
            recorder.artifact(path)
            recorder.metrics(_gains(table))
        return "\n".join([*map(_sentence, table.to_dict("records")), translate("table: {path}", path=path)])


def _gains(table: pd.DataFrame) -> dict[str, float]:
    """Of each cell, over all its folds: what its seeds gain as one model."""
    gains = dict[str, float]()
    for row in table.groupby("cell", sort=False).tail(1).to_dict("records"):
        cell = name_part(str(row["cell"]).replace(" · ", ": ").replace("+", " "))
        gains |= {f"ensemble/{cell}/{figure}_change": float(row[f"{figure}_change"]) for figure in FIGURES}
    return gains


def _sentence(row: dict[Hashable, Any]) -> str:
    where = translate("all folds together") if row["fold"] == "all" else translate("fold {fold}", fold=row["fold"])
    return translate(
        "{cell}, {where}: {members} seeds as one model: accuracy {accuracy:.1%} → {accuracy_ensemble:.1%} "
        "({accuracy_points:+.1f} points [{low_points:+.1f}, {high_points:+.1f}]), negative log-likelihood {nll:.3f} → "
        "{nll_ensemble:.3f} ({nll_change:+.3f} [{nll_low:+.3f}, {nll_high:+.3f}]); {members} times {train_seconds:.0f} "
        "seconds of training, and {members} times the time of an answer",
        where=where if row["fold"] else translate("all its runs"),
        accuracy_points=100 * row["accuracy_change"],
        low_points=100 * row["accuracy_low"],
        high_points=100 * row["accuracy_high"],
        **{str(name): value for name, value in row.items()},
    )
