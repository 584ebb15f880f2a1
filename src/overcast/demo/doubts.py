"""Whether a run had better not answer, in words: see `overcast.prediction.doubt` for what is told from what."""

from __future__ import annotations

from typing import Any

import numpy as np

from overcast.core.errors import UserError
from overcast.core.words import translate
from overcast.prediction.doubt import OOD_LEVEL, Doubt, DoubtColumns
from overcast.prediction.predictor import Predictor
from overcast.prediction.trained_network import CALIBRATION

ALPHA = 0.1
"""The rate at which sets may miss the true class, where none was asked for."""


class Doubts:
    """What can be told by this predictor. min_probability, conformal: as `Doubt` has them; conformal None: `ALPHA`.

    Raises: UserError as `DoubtColumns` does for what was asked for.
    """

    def __init__(self, predictor: Predictor, min_probability: float | None, conformal: float | None) -> None:
        self.alpha = ALPHA if conformal is None else conformal
        least = Doubt(min_probability, conformal)
        richer = [Doubt(min_probability, self.alpha, ood=True), Doubt(min_probability, self.alpha)]
        self.columns = _first_possible(predictor, richer) or DoubtColumns(predictor, least)
        self.predictor = predictor

    @property
    def calibration(self) -> str:
        """How sure the probabilities may be taken for."""
        runs = self.predictor.runs
        if not runs:
            return translate("Probabilities are as the model gives them: no calibration part lies with it.")
        if "temperature" not in runs[0].facts:
            return translate("Probabilities are as the network gives them: the run has no calibration part.")
        if len(runs) > 1:
            return translate("Probabilities are the mean of {number} runs, each calibrated.", number=len(runs))
        return translate(
            "Probabilities are calibrated: the logits are divided by the temperature {temperature}, learned on the "
            "{number} samples of the calibration part.",
            temperature=f"{runs[0].facts['temperature']:.3g}", number=int((runs[0].parts == CALIBRATION).sum()),
        )  # fmt: skip

    def of(self, probabilities: np.ndarray, features: np.ndarray | None) -> dict[str, Any]:
        """``answers``: whether nothing speaks against it. ``reasons``: what does. ``text``: what was looked at.

        ``set``: the classes that the conformal set holds; None where there is none.
        """
        members = None
        reasons = [*self._improbable(probabilities), *self._unlike(features)]
        if self.columns.least is not None:
            names = self.columns.classes
            members = [names[k] for k in np.argsort(-probabilities) if probabilities[k] >= self.columns.least]
            reasons += _ambiguous(members)
        return {"answers": not reasons, "reasons": reasons, "set": members, "text": self._text()}

    def _improbable(self, probabilities: np.ndarray) -> list[str]:
        least = self.columns.min_probability
        if least is None or probabilities.max() >= least:
            return []
        return [translate("no class is as probable as the {least} asked for", least=f"{least:.0%}")]

    def _unlike(self, features: np.ndarray | None) -> list[str]:
        if self.columns.farthest is None or features is None:
            return []
        if self.columns.gaussians.distances(features[None])[0] <= self.columns.farthest:
            return []
        share = f"{1 - OOD_LEVEL:.0%}"
        return [translate("it is further from all classes than {share} of the calibration part", share=share)]

    def _text(self) -> str:
        told = []
        if self.columns.least is not None:
            text = "The set holds the true class in {share} of samples like those of the calibration part."
            told.append(translate(text, share=f"{1 - self.alpha:.0%}"))
        elif self.columns.min_probability is None:
            told.append(
                translate(
                    "Nothing tells whether it had better not answer: that takes a training with "
                    "split.calibration=0.1, or min_probability=0.8 here."
                )
            )
        if self.columns.least is not None and self.columns.farthest is None:
            told.append(translate("What is unlike the data is not flagged: no distances were kept for this network."))
        return " ".join(told)


def _first_possible(predictor: Predictor, doubts: list[Doubt]) -> DoubtColumns | None:
    for doubt in doubts:
        try:
            return DoubtColumns(predictor, doubt)
        except UserError:  # no calibration part, no distances, or several runs
            continue
    return None


def _ambiguous(members: list[str]) -> list[str]:
    if not members:
        return [translate("no class is as probable as the true one usually is")]
    if len(members) > 1:
        return [translate("it could be any of {classes}", classes=", ".join(members))]
    return []
