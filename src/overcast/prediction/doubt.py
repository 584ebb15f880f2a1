"""When not to answer: what `predict` says of a row beside its probabilities, where it is asked to.

``answer``: the label, empty where its probability is below a threshold. ``set``: the classes of a conformal set.
``ood``: whether its features are further from those of all classes than 95 % of the calibration part (out of
distribution; `overcast.statistics.mahalanobis`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from overcast.core.errors import UserError
from overcast.prediction.predictor import Predictor
from overcast.statistics.mahalanobis import ClassGaussians

if TYPE_CHECKING:
    from overcast.prediction.calibration import CalibrationPart

BETWEEN = "; "
"""What stands between the classes of a set."""

OOD_LEVEL = 0.05
"""The share of the calibration part that is taken for out of distribution."""


@dataclass(frozen=True)
class Doubt:
    """What is asked for. min_probability: below it no answer is given. conformal: the rate at which sets may miss.

    ood: whether to flag what is out of distribution.

    Raises: UserError for a number that is none of these.
    """

    min_probability: float | None = None
    conformal: float | None = None
    ood: bool = False

    def __post_init__(self) -> None:
        for name in ("min_probability", "conformal"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                raise UserError(f"{name}={value:g}: give a number above 0 and below 1")


class DoubtColumns:
    """The further columns of an answer, and their cells. Features are watched from then on where they are needed.

    Raises: UserError as `calibration_together` does, or if it takes a run and there is none.
    """

    def __init__(self, predictor: Predictor, doubt: Doubt) -> None:
        self.classes, self.min_probability = predictor.spec.classes, doubt.min_probability
        self.least: float | None = None
        self.farthest: float | None = None
        if doubt.conformal is not None:
            self.least = _calibration(predictor, f"conformal={doubt.conformal:g}").conformal_threshold(doubt.conformal)
        if doubt.ood:
            self.gaussians, self.farthest = _ood_detector(predictor)
        asked = {"answer": self.min_probability, "set": self.least, "ood": self.farthest}
        self.names = [name for name, value in asked.items() if value is not None]

    def cells(self, probabilities: np.ndarray | None, features: np.ndarray | None) -> list[str]:
        """Of one sample, its probabilities (K,) and features (F,); empty where there are none."""
        if probabilities is None:
            return [""] * len(self.names)
        best = int(probabilities.argmax())
        told = []
        if self.min_probability is not None:
            told.append(self.classes[best] if probabilities[best] >= self.min_probability else "")
        if self.least is not None:
            told.append(BETWEEN.join(self.classes[k] for k in np.flatnonzero(probabilities >= self.least)))
        if self.farthest is not None and features is not None:
            told.append(str(bool(self.gaussians.distances(features[None])[0] > self.farthest)).lower())
        return told


def _calibration(predictor: Predictor, option: str) -> CalibrationPart:
    if not predictor.runs:
        raise UserError(f"{option} needs a run: an exported or registered model has no calibration part with it")
    from overcast.prediction.calibration import calibration_together

    return calibration_together(predictor.runs, option)


def _ood_detector(predictor: Predictor) -> tuple[ClassGaussians, float]:
    """What distances are measured from, and the distance beyond which `OOD_LEVEL` of the calibration part lies."""
    if len(predictor.runs) > 1:
        raise UserError("ood=true is told by the features of one network, and several answer as one: give one run")
    part = _calibration(predictor, "ood=true")
    if part.gaussians is None or part.distances is None:
        model = predictor.runs[0].config.model.name
        raise UserError(f"ood=true: the last layer of model={model} reads too many features for it")
    from overcast.prediction.run_predictor import RunPredictor

    assert isinstance(predictor, RunPredictor)
    predictor.watch_features()
    return part.gaussians, float(np.quantile(part.distances, 1 - OOD_LEVEL, method="higher"))
