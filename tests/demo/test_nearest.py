"""The nearest training samples: of those trained on alone, the sample itself first, and bounded in number."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.demo import nearest
from overcast.demo.nearest import NearestSamples
from overcast.demo.open_demo import open_demo
from overcast.prediction.predictor import answers
from overcast.prediction.run_predictor import RunPredictor
from overcast.prediction.trained_network import open_run_pack
from overcast.tracking.run_folder import Run
from overcast.training.train import train


def features_of(predictor: RunPredictor, run: Run, row: int) -> np.ndarray:
    x, _ = open_run_pack(run).gather(np.array([row]))
    answer = next(answers(predictor, [x[0]]))
    assert not isinstance(answer, str)
    assert answer.features is not None
    return answer.features


def test_a_training_sample_is_nearest_to_itself(config: Any) -> None:
    run = train(config("epochs=1", "train_fraction=0.5"))
    predictor = RunPredictor([run])
    found = NearestSamples(run, predictor)
    trained = np.flatnonzero(run.parts == "train")
    assert set(found.rows) == set(trained)
    assert "Looked through" not in found.text
    row = int(trained[7])
    told = found.of(features_of(predictor, run, row))
    assert (told[0]["row"], told[0]["similarity"]) == (row, pytest.approx(1))
    assert told[0]["file"] == open_run_pack(run).index["file"][row]
    assert told[0]["image"].startswith("data:image/png")
    assert [each["similarity"] for each in told] == sorted((each["similarity"] for each in told), reverse=True)
    held_out = int(np.flatnonzero(run.parts == "test")[0])
    assert {each["row"] for each in found.of(features_of(predictor, run, held_out))} <= set(trained)


def test_of_many_a_sample_is_looked_through(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "MOST_ROWS", 30)
    found = NearestSamples(run, RunPredictor([run]))
    assert len(found.rows) == 30
    assert set(np.unique(open_run_pack(run).labels[found.rows])) == set(range(5))
    assert "a sample of 30 of the 80" in found.text


def test_without_the_data_the_page_says_so(data: Path, config: Any, tmp_path: Path, sky: bytes) -> None:
    shutil.copytree(data / "skies", tmp_path / "data/skies")
    run = train(config("epochs=1", f"data_dir={tmp_path / 'data'}"))
    shutil.rmtree(tmp_path / "data/skies")
    with pytest.raises(UserError, match="There is no pack in"):
        NearestSamples(run, RunPredictor([run]))
    told = open_demo([run]).answer(sky)
    assert told["label"]
    assert told["nearest"]["samples"] == []
    assert told["nearest"]["text"].startswith("They cannot be found: There is no pack in")


def test_only_recordings_that_were_looked_through_are_played(tones: Run) -> None:
    found = NearestSamples(tones, RunPredictor([tones]))
    path = found.sound(int(found.rows[0]))
    assert path is not None
    assert path.suffix == ".wav"
    assert found.sound(int(np.flatnonzero(tones.parts == "test")[0])) is None
    path.unlink()
    assert found.sound(int(found.rows[0])) is None
