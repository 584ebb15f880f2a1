"""A run's calibration part as it is stored with the weights: probabilities of samples that nothing was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from overcast.core.errors import UserError
from overcast.prediction.trained_network import CALIBRATION, load_state
from overcast.statistics.conformal import conformal_threshold
from overcast.tracking.run_folder import Run


@dataclass(frozen=True)
class CalibrationPart:
    """logits: (n, K) over the temperature, as a `TrainedNetwork` gives them. target: (n,) class indices."""

    temperature: float
    logits: np.ndarray
    target: np.ndarray

    @property
    def probabilities(self) -> np.ndarray:
        """(n, K)"""
        return softmax(self.logits)

    def conformal_threshold(self, alpha: float) -> float:
        """Classes as likely as this make sets that miss the true one at a rate of ``alpha`` at most."""
        return conformal_threshold(self.probabilities[np.arange(len(self.target)), self.target], alpha)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (N, K) in double precision."""
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    probabilities: np.ndarray = exponents / exponents.sum(1, keepdims=True)
    return probabilities


def load_calibration(run: Run) -> CalibrationPart | None:
    """What the run was calibrated by; None where its data has no part for it."""
    state = load_state(run).get(CALIBRATION)
    if state is None:
        return None
    temperature = float(state["temperature"])
    return CalibrationPart(temperature, state["logits"].double().numpy() / temperature, state["target"].numpy())


def needed_calibration(run: Run, option: str) -> CalibrationPart:
    """The same. Raises: UserError naming the option that needs it, where there is none."""
    if (calibration := load_calibration(run)) is None:
        name = run.config.data.name
        raise UserError(
            f"{option} needs a run with a calibration part, and {run.folder} has none: split with `python "
            f"pipelines/split.py data={name} split.calibration=0.1`, and train with split.calibration=0.1 too"
        )
    return calibration
