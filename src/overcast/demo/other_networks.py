"""The best run of each other network on the same data, and what it says."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from overcast.core.errors import UserError
from overcast.prediction.predictor import answers
from overcast.prediction.run_predictor import RunPredictor
from overcast.tracking.find_run import is_refit
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import Run


@dataclass(frozen=True)
class OtherNetwork:
    """A run that was trained on the same pack."""

    run: Run
    predictor: RunPredictor

    def answer(self, sample: np.ndarray) -> dict[str, Any] | None:
        """``network``, ``run``, ``label``, ``probability`` for a sample as it was read; None if it has no answer."""
        found = next(answers(self.predictor, [sample]))
        if isinstance(found, str):
            return None
        best = int(found.probabilities.argmax())
        return {
            "network": self.run.config.model.name,
            "run": self.run.folder.name,
            "label": self.predictor.spec.classes[best],
            "probability": float(found.probabilities[best]),
        }


def other_networks(run: Run, runs_dir: Path) -> list[OtherNetwork]:
    """Of each network but the run's own the one with the lowest validation negative log-likelihood, by name.

    All are of the run's own fold, so that their likelihoods are of the same samples. Runs are left out that are not
    whole, had their weights removed, diverged, or were trained on the validation part.
    """
    found: dict[str, OtherNetwork] = {}
    for other in sorted(_on_the_same_split(run, runs_dir), key=_validation_nll):
        with suppress(UserError):
            name = other.config.model.name
            if name != run.config.model.name and name not in found and other.spec == run.spec:
                found[name] = OtherNetwork(other, RunPredictor([other]))
    return [found[name] for name in sorted(found)]


def _on_the_same_split(run: Run, runs_dir: Path) -> list[Run]:
    runs: list[Run] = []
    for path in sorted(runs_dir.glob("**/run.json")):
        with suppress(UserError):
            if Run(path.parent).facts.get("fingerprint") != run.facts["fingerprint"]:
                continue
            other = load_run(path.parent)
            same = other.config.split == run.config.split
            if same and not other.removed and not is_refit(other) and math.isfinite(_validation_nll(other)):
                runs.append(other)
    return runs


def _validation_nll(run: Run) -> float:
    return float(run.facts.get("best/validation_nll", math.nan))
