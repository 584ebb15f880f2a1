"""The lecture's claims, one file each: a study of the same name in conf/study runs it, `compare` measures it.

A claim's module has ``CLAIM``, one sentence, and ``judge(runs)``, which gives the verdict, computed from the study's
evaluated runs, and the pictures that show it. A verdict rests on what `PairedDifference` tests, and on nothing else.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd

from overcast.comparison.trials import PAIRING, correct_predictions, overlap
from overcast.comparison.wording import number
from overcast.html.page import Section
from overcast.statistics.estimates import Array, Estimate, one_sample_t, paired_tests
from overcast.study.checks import refuse_unknown_claim
from overcast.tracking.metadata import run_params
from overcast.tracking.run_folder import Run

REPEAT = list(PAIRING)
Key = TypeVar("Key", bound=Hashable)


class ClaimResult(NamedTuple):
    """What a claim's study found: the verdict in words, and pictures."""

    verdict: str
    pictures: list[Section]


class Pair(NamedTuple):
    """Runs that a claim expects to be better, and those to be worse: rows of `table`. outcome: the column compared.

    Of "accuracy" each answer to a fixed test part is compared where all are known.
    """

    better: pd.DataFrame
    worse: pd.DataFrame
    outcome: str = "accuracy"


class PairedDifference(NamedTuple):
    """Better minus worse of one `Pair`: the mean with its interval, and what the tests of the whole family say.

    direction: 1 for a difference that is clearly above zero, -1 clearly below, 0 not clear.
    """

    estimate: Estimate
    direction: int

    @property
    def clearly_better(self) -> bool:
        """Whether what the claim expects to be better clearly is."""
        return self.direction > 0

    @property
    def verdict(self) -> str:
        """In words."""
        return ("not clear", "clear", "clear, the other way")[self.direction]


class Claim(NamedTuple):
    """A sentence, and the function that judges it by a study's runs."""

    sentence: str
    judge: Callable[[Sequence[Run]], ClaimResult]


def load(name: str) -> Claim:
    """The claim of this name. Raises: UserError if there is none."""
    refuse_unknown_claim(name)
    module = importlib.import_module(f"overcast.claims.{name}")
    return Claim(module.CLAIM, module.judge)


def judge_claim(name: str, runs: Sequence[Run], planned: int, diverged: int = 0) -> tuple[str, str, list[Section]]:
    """The claim's sentence, the verdict on it and its pictures; no verdict from a part of a study.

    diverged: how many of the planned runs did, and so will never finish.
    """
    claim = load(name)
    if len(runs) < planned:
        lost = f", {diverged} diverged" if diverged else ""
        return claim.sentence, f"Not judged yet: {len(runs)} of {planned} runs are finished and found{lost}.", []
    try:
        return claim.sentence, *claim.judge(runs)
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
    metrics = json.loads((run.folder / "evaluation" / "metrics.json").read_text(encoding="utf8"))
    own = {"run": run, "overlap": overlap(run), "correct": answers}
    sizes = {name: facts[name] for name in ("parameters", "multiply_adds", "seconds")}
    figures = {"accuracy": metrics["test"]["accuracy"], "train_accuracy": metrics["train"]["accuracy"]}
    return {**run_params(run.config), **own, **sizes, **figures, **metrics["baseline"]}


def paired_differences(family: Mapping[Key, Pair]) -> dict[Key, PairedDifference]:
    """All comparisons that a claim's verdict rests on.

    Give them all at once: they are one family to `paired_tests`, as the comparisons of a study are.
    """
    tests = paired_tests(
        [_differences(pair) for pair in family.values()],
        [pair.better["overlap"].mean() for pair in family.values()],
    )
    arrays = (tests.paired.mean, tests.paired.standard_error, tests.paired.df, tests.direction)
    return {
        key: PairedDifference(Estimate(*estimate), int(direction))
        for key, *estimate, direction in zip(family, *arrays, strict=True)
    }


def mean_difference(pair: Pair) -> Estimate:
    """The mean of better minus worse over the repeats that both have, paired: to describe, not to judge."""
    better, worse = (rows.set_index(REPEAT)[pair.outcome] for rows in (pair.better, pair.worse))
    return one_sample_t((better - worse).dropna())


def _differences(pair: Pair) -> Array:
    """(n,) over the repeats that both have; of accuracy (n, M) where each answer to a fixed test part is known."""
    better, worse = pair.better.set_index(REPEAT), pair.worse.set_index(REPEAT)
    both = better.index.intersection(worse.index)
    better, worse = better.loc[both], worse.loc[both]
    outcome = pair.outcome
    if outcome == "accuracy" and len(both) and pd.concat([better["correct"], worse["correct"]]).notna().all():
        outcome = "correct"
    differences: Array = np.array(better[outcome].tolist(), float) - np.array(worse[outcome].tolist(), float)
    return differences


def points(estimate: Estimate) -> str:
    """``+4.1 points [2.9, 5.2]``."""
    low, high = (number(float(end)) for end in (estimate.low, estimate.high))
    interval = f" [{low}, {high}]" if low != "–" else ""
    return f"{number(float(estimate.mean), sign=True)} points{interval}"


def describe(difference: PairedDifference) -> str:
    """Of accuracy: ``+4.1 points [2.9, 5.2]: clear``."""
    return f"{points(difference.estimate)}: {difference.verdict}"


def percent(values: pd.Series) -> str:
    """``91.2 %``: the mean."""
    return f"{number(float(values.mean()))} %"


def verdict_opening(*supported: bool, complete: bool = True) -> str:
    """How a verdict opens, from whether each tested part of the claim is supported.

    complete: whether these are all that the claim says; where some of it is only described, it cannot simply hold.
    """
    if all(supported):
        return "It holds here." if complete else "What was tested of it holds here."
    return "It holds here in part." if any(supported) else "It does not show here."


def tests_note(family: Mapping[Key, PairedDifference]) -> str:
    """The end of a verdict: what its brackets are, and what clear means."""
    many = f"over these {len(family)} comparisons" if len(family) > 1 else "over this one comparison"
    return (
        "Brackets are 95 % intervals of each difference alone; clear are those where both tests (paired, and corrected "
        f"for overlapping train parts) stay below 5 % after Holm's correction {many}."
    )
