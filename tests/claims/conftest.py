"""Made-up tables of runs: a verdict must follow from the figures, whichever way they point."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import cycle, permutations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.evaluation.evaluate import evaluate
from overcast.tracking.run_folder import Run
from overcast.training.train import train

ORDERS = cycle(permutations((-1.0, 0.0, 1.0)))
"""So that no two cells differ by the same in every repeat, from which three repeats would tell nothing."""


def made(accuracy: float, **given: Any) -> pd.DataFrame:
    """Three repeats of one cell, their accuracies a hundredth apart at most."""
    spread = given.pop("spread", 0.005)
    values = accuracy + spread * np.array(next(ORDERS))
    rest = {
        "parameters": 10,
        "multiply_adds": 20,
        "train_fraction": 1.0,
        "mitigation": "none",
        "model": "dnn",
        "data": "digits",
    }
    rest |= {"split_seed": 0, "answers": None}
    rest |= {**given, "run": run(**given)}
    return pd.DataFrame(
        [{**rest, "seed": seed, "fold": seed, "accuracy": v, "train_accuracy": v} for seed, v in enumerate(values)]
    )


def run(**given: Any) -> Any:
    """What the claims ask of a run's folder."""
    kind = {"speech": "sequence", "recall": "sequence"}.get(given.get("data", ""), "image")
    spec = SimpleNamespace(kind=kind, classes="abcd")
    return SimpleNamespace(parts=np.array(["train"] * 80 + ["test"] * 20), spec=spec)


@pytest.fixture
def rows() -> Callable[..., pd.DataFrame]:
    """``rows(accuracy, **given)``: the three runs of one cell."""
    return made


@pytest.fixture
def trained(config: Any) -> Run:
    """A tiny run of an ANN on pictures."""
    return train(config("epochs=1"))


@pytest.fixture
def study(config: Any) -> Callable[..., list[Run]]:
    """``study(*cells)``: two tiny runs of each cell, a list of overrides, trained and evaluated as a study's are."""

    def made(*cells: Sequence[str]) -> list[Run]:
        repeats = [[f"seed={number}", f"split.fold={number}"] for number in (0, 1)]
        runs = [train(config("epochs=1", *cell, *repeat)) for cell in cells for repeat in repeats]
        for one in runs:
            evaluate(one, pictures=False)
        return runs

    return made


def accuracy(runs: Sequence[Run]) -> list[float]:
    """What a claim's picture should show of a study's runs: the mean test accuracy of each cell, in percent."""
    stored = [json.loads((run.folder / "evaluation/metrics.json").read_text())["test"]["accuracy"] for run in runs]
    return [100 * value for value in np.reshape(stored, (-1, 2)).mean(1)]


@pytest.fixture
def accuracies() -> Callable[[Sequence[Run]], list[float]]:
    return accuracy


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """``judge(module, *frames)``: what the module makes of these rows in the place of a study's runs."""

    def judge_rows(module: Any, *frames: pd.DataFrame, **replaced: Any) -> Any:
        rows = pd.concat(frames, ignore_index=True)
        monkeypatch.setattr(module, "table", lambda runs: rows)
        for name, value in replaced.items():
            monkeypatch.setattr(module, name, value)
        return module.judge([])

    return judge_rows
