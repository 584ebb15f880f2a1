"""A study's best run as it is, and its winner trained again, with the study's figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.serving.candidates import best_run, study_winner
from overcast.serving.evidence import measure_evidence
from overcast.serving.reference import measure_reference, run_identity
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.tracking.study_info import StudyInfo
from overcast.training.plan import make_plan
from overcast.training.train import execute

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:::mlflow"),
    pytest.mark.filterwarnings("ignore:::sqlalchemy"),
]
CELLS = ("mitigation=none", "mitigation=dropout mitigation.dropout.p=0.8")


@pytest.fixture
def words(tracking: TrackingConfig) -> list[str]:
    return [f"tracking.{name}={getattr(tracking, name)}" for name in ("uri", "artifacts", "experiment")]


@pytest.fixture
def runs(config: Any, store: TrackingStore, study: StudyInfo, words: list[str]) -> list[Run]:
    """Two cells, each in two folds; the first learns more in so short a time."""
    return [
        execute(make_plan(config("tracking=mlflow", *words, *cell.split(), f"split.fold={fold}")), store, study)
        for cell in CELLS
        for fold in (0, 1)
    ]


def test_the_best_run(runs: list[Run], words: list[str], tmp_path: Path) -> None:
    found = best_run("x", words, tmp_path)
    losses = [measure_evidence([run]).mean for run in runs]
    assert found.run == runs[int(np.argmin(losses))]
    assert found.tags["fingerprint"] == runs[0].facts["fingerprint"]
    assert "lowest validation negative log-likelihood of the 4 runs" in found.source


def test_the_winner_is_trained_again(runs: list[Run], words: list[str], tmp_path: Path) -> None:
    found = study_winner("x", words, tmp_path)
    means = [measure_evidence(runs[start : start + 2]).mean for start in (0, 2)]
    winner = runs[:2] if means[0] < means[1] else runs[2:]
    assert list(found.measured) == winner
    assert found.run not in runs
    assert not (found.run.parts == "validation").any()
    assert found.run.config.mitigation == winner[0].config.mitigation
    assert found.run.config.epochs == winner[0].config.epochs
    accuracy = [run.metrics["test"]["accuracy"] for run in winner]
    assert found.figures["accuracy"].value == pytest.approx(np.mean(accuracy))
    assert found.figures["accuracy"].low < np.mean(accuracy) < found.figures["accuracy"].high
    assert "measured on no sample" in found.source
    assert found.tags["fingerprint"] == winner[0].facts["fingerprint"]
    reference = measure_reference(found.measured, run_identity(found.run)).splitlines()
    assert len(reference) == sum((run.parts == "validation").sum() for run in winner)
    assert json.loads(reference[0])["model"]["weights"] == found.run.facts["weights"][:16]


def test_several_data_sets(
    config: Any, store: TrackingStore, study: StudyInfo, words: list[str], tmp_path: Path
) -> None:
    for data in ("skies", "waves"):
        execute(make_plan(config("tracking=mlflow", *words, f"data={data}", "epochs=1")), store, study)
    with pytest.raises(UserError, match="is on 2 data sets or splits"):
        best_run("x", words, tmp_path)
