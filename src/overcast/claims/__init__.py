"""The lecture's claims, one file each: a study of the same name in conf/study runs it, `compare` measures it.

A claim's module has ``CLAIM``, one sentence, and ``measured(runs)``, which gives the verdict, computed from the
study's evaluated runs, and the pictures that show it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd

from overcast.comparison.trials import PAIRING, correct_predictions, overlap
from overcast.comparison.wording import number
from overcast.core.errors import UserError
from overcast.html.page import Section
from overcast.statistics.estimates import Array, Estimate, one_sample_t, paired_tests
from overcast.tracking.metadata import run_params
from overcast.tracking.run_folder import Run

REPEAT = list(PAIRING)
Key = TypeVar("Key", bound=Hashable)


class ClaimResult(NamedTuple):
    """What a claim's study found: the verdict in words, and pictures."""

    verdict: str
    pictures: list[Section]


class Comparison(NamedTuple):
    """One of a claim's comparisons: the mean difference with its interval, and what the tests of all of them say.

    direction: 1 for a difference that is clearly above zero, -1 clearly below, 0 not clear.
    """

    estimate: Estimate
    direction: int

    @property
    def ahead(self) -> bool:
        """Whether what the claim expects to be better clearly is."""
        return self.direction > 0


class Claim(NamedTuple):
    """A sentence, and how to measure it on a study's runs."""

    sentence: str
    measured: Callable[[Sequence[Run]], ClaimResult]


def load(name: str) -> Claim:
    """The claim of this name. Raises: UserError if there is none."""
    if not (Path(__file__).parent / f"{name}.py").is_file() or name.startswith("_"):
        known = ", ".join(sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py")))
        raise UserError(f"claim={name}: there is no such claim. Choices: {known}")
    module = importlib.import_module(f"overcast.claims.{name}")
    return Claim(module.CLAIM, module.measured)


def judge_claim(name: str, runs: Sequence[Run], planned: int, diverged: int = 0) -> tuple[str, str, list[Section]]:
    """The claim's sentence, the verdict on it and its pictures; no verdict from a part of a study.

    diverged: how many of the planned runs did, and so will never finish.
    """
    claim = load(name)
    if len(runs) < planned:
        lost = f", {diverged} diverged" if diverged else ""
        return claim.sentence, f"Not judged yet: {len(runs)} of {planned} runs are finished and found{lost}.", []
    try:
        return claim.sentence, *claim.measured(runs)
    except LookupError:  # a cell that the claim compares is not there: the study is another than the shipped one
        return claim.sentence, "Not judged: this study lacks cells that the claim compares.", []


def table(runs: Sequence[Run]) -> pd.DataFrame:
    """One row a run: its parameters, ``run``, ``overlap``, ``parameters``, ``multiply_adds``, figures of the test part.

    ``correct``: (M,) whether each row of an official test part was classified correctly; None without one.
    """
    answers = correct_predictions(runs)
    return pd.DataFrame([_row(run, answers.get(str(run.folder))) for run in runs])


def _row(run: Run, answers: np.ndarray | None) -> dict[str, object]:
    facts = run.facts
    measured = json.loads((run.folder / "evaluation" / "metrics.json").read_text(encoding="utf8"))
    own = {"run": run, "overlap": overlap(run), "correct": answers}
    sizes = {name: facts[name] for name in ("parameters", "multiply_adds", "seconds")}
    figures = {"accuracy": measured["test"]["accuracy"], "train_accuracy": measured["train"]["accuracy"]}
    return {**run_params(run.config), **own, **sizes, **figures, **measured["baseline"]}


def compared(family: Mapping[Key, tuple[pd.DataFrame, pd.DataFrame]]) -> dict[Key, Comparison]:
    """All comparisons that a claim's verdict rests on: runs that should be better, and runs that should be worse.

    Give them all at once: they are one family to `paired_tests`, as the comparisons of a study are.
    """
    tests = paired_tests(
        [_differences(better, worse) for better, worse in family.values()],
        [better["overlap"].mean() for better, _ in family.values()],
    )
    arrays = (tests.paired.mean, tests.paired.standard_error, tests.paired.df, tests.direction)
    return {
        key: Comparison(Estimate(*estimate), int(direction))
        for key, *estimate, direction in zip(family, *arrays, strict=True)
    }


def difference(better: pd.DataFrame, worse: pd.DataFrame) -> Estimate:
    """The mean of ``better`` minus ``worse`` over the repeats that both have, paired: to describe, not to judge."""
    return one_sample_t((better.set_index(REPEAT)["accuracy"] - worse.set_index(REPEAT)["accuracy"]).dropna())


def _differences(better: pd.DataFrame, worse: pd.DataFrame) -> Array:
    """Of accuracy: (n,) over the repeats that both have, (n, M) where each answer to a fixed test part is known."""
    ours, theirs = better.set_index(REPEAT), worse.set_index(REPEAT)
    both = ours.index.intersection(theirs.index)
    ours, theirs = ours.loc[both], theirs.loc[both]
    known = pd.concat([ours["correct"], theirs["correct"]]).notna()
    column = "correct" if len(known) and known.all() else "accuracy"
    differences: Array = np.array(ours[column].tolist(), float) - np.array(theirs[column].tolist(), float)
    return differences


def points(estimate: Estimate) -> str:
    """``+4.1 points [2.9, 5.2]``."""
    low, high = (number(float(end)) for end in (estimate.low, estimate.high))
    interval = f" [{low}, {high}]" if low != "–" else ""
    return f"{number(float(estimate.mean), sign=True)} points{interval}"


def shown(comparison: Comparison) -> str:
    """``+4.1 points [2.9, 5.2]: clear``."""
    return f"{points(comparison.estimate)}: {('not clear', 'clear', 'clear, the other way')[comparison.direction]}"


def percent(values: pd.Series) -> str:
    """``91.2 %``: the mean."""
    return f"{number(float(values.mean()))} %"


def verdict_opening(*held: bool) -> str:
    """How a verdict opens, from whether each part of the claim holds."""
    if all(held):
        return "It holds here."
    return "It holds here in part." if any(held) else "It does not show here."


def how(family: Mapping[Key, Comparison]) -> str:
    """How a verdict ends: what its brackets are, and what clear means."""
    many = f"over these {len(family)} comparisons" if len(family) > 1 else "over this one comparison"
    return (
        "Brackets are 95 % intervals of each difference alone; clear are those where both tests (paired, and corrected "
        f"for overlapping train parts) stay below 5 % after Holm's correction {many}."
    )
