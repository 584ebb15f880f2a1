"""When the page says that the run had better not answer, and why."""

from __future__ import annotations

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.demo.doubts import Doubts
from overcast.prediction.run_predictor import RunPredictor
from overcast.tracking.run_folder import Run


def test_without_a_calibration_part_only_a_threshold_speaks(run: Run) -> None:
    predictor = RunPredictor([run])
    sure, unsure = np.array([0.9, 0.1, 0, 0, 0]), np.array([0.5, 0.5, 0, 0, 0])
    plain = Doubts(predictor, None, None)
    assert plain.calibration == "Probabilities are as the network gives them: the run has no calibration part."
    assert plain.of(unsure, None)["answers"] is True
    assert plain.of(unsure, None)["set"] is None
    assert "split.calibration=0.1" in plain.of(unsure, None)["text"]
    asked = Doubts(predictor, 0.8, None)
    assert asked.of(sure, None)["answers"] is True
    told = asked.of(unsure, None)
    assert (told["answers"], told["reasons"]) == (False, ["no class is as probable as the 80% asked for"])


def test_a_set_of_several_classes_or_of_none_is_no_answer(calibrated: Run) -> None:
    doubts = Doubts(RunPredictor([calibrated]), None, 0.2)
    assert doubts.calibration.startswith("Probabilities are calibrated: the logits are divided by the temperature ")
    doubts.columns.least = 0.4
    classes = calibrated.spec.classes
    assert doubts.of(np.array([0.1, 0.7, 0.2, 0, 0]), None)["set"] == [classes[1]]
    assert doubts.of(np.array([0.1, 0.7, 0.2, 0, 0]), None)["answers"] is True
    several = doubts.of(np.array([0.42, 0.45, 0.13, 0, 0]), None)
    assert several["reasons"] == [f"it could be any of {classes[1]}, {classes[0]}"]
    none = doubts.of(np.full(5, 0.2), None)
    assert (none["set"], none["reasons"]) == ([], ["no class is as probable as the true one usually is"])
    assert "in 80% of samples" in none["text"]


def test_what_is_unlike_the_data_is_flagged(calibrated: Run) -> None:
    doubts = Doubts(RunPredictor([calibrated]), None, None)
    means = doubts.columns.gaussians.means
    sure = np.array([1.0, 0, 0, 0, 0])
    assert doubts.of(sure, means[0])["reasons"] == []
    assert doubts.of(sure, means[0] + 1e4)["reasons"] == [
        "it is further from all classes than 95% of the calibration part"
    ]


def test_what_was_asked_for_and_cannot_be_told_is_refused(run: Run) -> None:
    predictor = RunPredictor([run])
    with pytest.raises(UserError, match=r"conformal=0\.2 needs a run with a calibration part"):
        Doubts(predictor, None, 0.2)
    for wrong in (0.0, 1.5):
        with pytest.raises(UserError, match="give a number above 0 and below 1"):
            Doubts(predictor, None, wrong)
