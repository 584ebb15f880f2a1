"""The lecture's claims, one file each: a study of the same name in conf/study runs it, `compare` measures it.

A claim's module has ``CLAIM``, one sentence, and ``measured(runs)``, which gives the verdict, computed from the
study's evaluated runs, and the pictures that show it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from overcast.compare.statistics import Estimate, repeated
from overcast.errors import UserError
from overcast.report.style import Picture
from overcast.report.words import number
from overcast.runs import Run
from overcast.train import params

REPEAT = ["seed", "fold"]


class Measured(NamedTuple):
    """What a claim's study found: the verdict in words, and pictures."""

    verdict: str
    pictures: list[Picture]


class Claim(NamedTuple):
    """A sentence, and how to measure it on a study's runs."""

    sentence: str
    measured: Callable[[Sequence[Run]], Measured]


def load(name: str) -> Claim:
    """The claim of this name. Raises: UserError if there is none."""
    if not (Path(__file__).parent / f"{name}.py").is_file() or name.startswith("_"):
        known = ", ".join(sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py")))
        raise UserError(f"claim={name}: there is no such claim. Choices: {known}")
    module = importlib.import_module(f"overcast.claims.{name}")
    return Claim(module.CLAIM, module.measured)


def judge(name: str, runs: Sequence[Run], planned: int, diverged: int = 0) -> tuple[str, str, list[Picture]]:
    """The claim's sentence, the verdict on it and its pictures; no verdict from a part of a study.

    diverged: how many of the planned runs did, and so will never finish.
    """
    claim = load(name)
    if len(runs) < planned:
        lost = f", {diverged} diverged" if diverged else ""
        return claim.sentence, f"Not judged yet: {len(runs)} of {planned} runs are finished{lost}.", []
    try:
        return claim.sentence, *claim.measured(runs)
    except LookupError:  # a cell that the claim compares is not there: the study is another than the shipped one
        return claim.sentence, "Not judged: this study lacks cells that the claim compares.", []


def table(runs: Sequence[Run]) -> pd.DataFrame:
    """One row a run: its parameters, ``run``, ``parameters``, ``multiply_adds``, and figures of the test part."""
    return pd.DataFrame([_row(run) for run in runs])


def _row(run: Run) -> dict[str, object]:
    facts = run.facts
    measured = json.loads((run.folder / "evaluation" / "metrics.json").read_text(encoding="utf8"))
    sizes = {name: facts[name] for name in ("parameters", "multiply_adds", "seconds")}
    figures = {"accuracy": measured["test"]["accuracy"], "train_accuracy": measured["train"]["accuracy"]}
    return {**params(run.config), "run": run, **sizes, **figures, **measured["baseline"]}


def difference(better: pd.DataFrame, worse: pd.DataFrame, column: str = "accuracy") -> Estimate:
    """The mean of ``better`` minus ``worse`` over the repeats that both have, paired."""
    paired = better.set_index(REPEAT)[column] - worse.set_index(REPEAT)[column]
    return repeated(paired.dropna().to_numpy(float))


def points(estimate: Estimate) -> str:
    """``+4.1 points [2.9, 5.2]``."""
    low, high = (number(float(end)) for end in (estimate.low, estimate.high))
    interval = f" [{low}, {high}]" if low != "–" else ""
    return f"{number(float(estimate.mean), sign=True)} points{interval}"


def percent(values: pd.Series) -> str:
    """``91.2 %``: the mean."""
    return f"{number(float(values.mean()))} %"


def clear(estimate: Estimate) -> bool:
    """Whether the interval lies above zero."""
    return bool(estimate.low > 0)


def judged(*held: bool) -> str:
    """How a verdict opens, from whether each part of the claim was clear."""
    if all(held):
        return "It holds here."
    return "It holds here in part." if any(held) else "It does not show here."
