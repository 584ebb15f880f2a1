"""A run's calibration part as it is stored with the weights: probabilities of samples that nothing was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from overcast.core.errors import UserError
from overcast.prediction.predictor import softmax
from overcast.prediction.trained_network import CALIBRATION, load_state
from overcast.statistics.conformal import conformal_threshold
from overcast.statistics.mahalanobis import ClassGaussians
from overcast.tracking.run_folder import Run


@dataclass(frozen=True)
class CalibrationPart:
    """logits: (n, K) over the temperature, as a `TrainedNetwork` gives them. target: (n,) class indices.

    gaussians: of the features of what was trained on; distances: (n,) from it, None where there is none.
    """

    temperature: float
    logits: np.ndarray
    target: np.ndarray
    gaussians: ClassGaussians | None = None
    distances: np.ndarray | None = None

    @property
    def probabilities(self) -> np.ndarray:
        """(n, K)"""
        return softmax(self.logits)

    def conformal_threshold(self, alpha: float) -> float:
        """Classes as likely as this make sets that miss the true one at a rate of ``alpha`` at most."""
        return conformal_threshold(self.probabilities[np.arange(len(self.target)), self.target], alpha)


def load_calibration(run: Run) -> CalibrationPart | None:
    """What the run was calibrated by; None where its data has no part for it."""
    state = load_state(run).get(CALIBRATION)
    if state is None:
        return None
    temperature = float(state["temperature"])
    part = CalibrationPart(temperature, state["logits"].double().numpy() / temperature, state["target"].numpy())
    if "distances" not in state:
        return part
    means, precision, distances = (state[name].double().numpy() for name in ("means", "precision", "distances"))
    return replace(part, gaussians=ClassGaussians(means, precision), distances=distances)


def calibration_together(runs: Sequence[Run], option: str) -> CalibrationPart:
    """That of a run, or of several as one: their mean probabilities, as `overcast.prediction.ensemble` gives them.

    Raises: UserError naming the option that needs it, where a run has none, or the runs do not share one.
    """
    parts = []
    for run in runs:
        if (part := load_calibration(run)) is None:
            raise UserError(
                f"{option} needs a run with a calibration part, and {run.folder} has none: split with `python "
                f"pipelines/split.py data={run.config.data.name} split.calibration=0.1`, and train with "
                "split.calibration=0.1 too"
            )
        parts.append(part)
    if len(runs) == 1:
        return parts[0]
    if any((run.parts == CALIBRATION).tolist() != (runs[0].parts == CALIBRATION).tolist() for run in runs):
        raise UserError(f"{option} needs one calibration part, and these runs have several: give runs of one fold")
    mean = np.mean([part.probabilities for part in parts], axis=0)
    return CalibrationPart(1.0, np.log(mean.clip(np.finfo(float).tiny)), parts[0].target)
