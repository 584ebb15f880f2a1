"""The verdict follows the accuracies over length; each step's part in the loss is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.claims import memory
from overcast.data.recall import Recall
from overcast.prediction.trained_network import open_run_pack
from overcast.training.train import train


def cells(rows: Any, long_rnn: float, long_lstm: float) -> list[pd.DataFrame]:
    return [
        rows(accuracy, data="recall", model=model, **{"data.length": length})
        for model, accuracies in (("rnn", (0.95, long_rnn)), ("lstm", (0.95, long_lstm)))
        for length, accuracy in zip((10, 100), accuracies, strict=True)
    ]


@pytest.mark.parametrize(
    ("rnn", "lstm", "opening", "lengths"),
    [
        (0.25, 0.9, "It holds here. After 100 steps", "better from 100 steps on"),
        (0.9, 0.9, "It does not show here. After 100 steps", "At no length"),
    ],
)
def test_the_verdict(rows: Any, judge: Any, rnn: float, lstm: float, opening: str, lengths: str) -> None:
    result = judge(memory, *cells(rows, rnn, lstm), gradient_over_time=lambda run: np.ones(5))
    assert result.verdict.startswith(opening)
    assert lengths in result.verdict
    assert "chance is 25 %" in result.verdict
    assert len(result.pictures) == 2


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [
        ((0, 1, 1), "The LSTM is better from 30 steps on."),
        ((1, 0, 1), "The LSTM is better from 100 steps on."),
        ((1, 1, 0), "The LSTM is better at 10, 30 steps, but not at every longer one."),
        ((0, 0, 0), "At no length is the LSTM better."),
    ],
)
def test_better_from_some_length_on_only_if_at_every_longer_one(
    rows: Any, judge: Any, ahead: tuple[int, ...], verdict: str
) -> None:
    result = judge(
        memory,
        *(
            rows(0.4 + 0.5 * (model == "lstm") * lead, data="recall", model=model, **{"data.length": length})
            for length, lead in zip((10, 30, 100), ahead, strict=True)
            for model in ("rnn", "lstm")
        ),
        gradient_over_time=lambda run: np.ones(5),
    )
    assert verdict in result.verdict
    assert result.verdict.startswith("It holds" if ahead[-1] else "It does not show here.")


def test_speech_counts_too(rows: Any, judge: Any) -> None:
    speech = [rows(accuracy, data="speech", model=model) for model, accuracy in (("rnn", 0.9), ("lstm", 0.8))]
    result = judge(memory, *cells(rows, 0.25, 0.9), *speech, gradient_over_time=lambda run: np.ones(5))
    assert result.verdict.startswith("It holds here in part.")
    assert "On spoken digits the LSTM gets 80.0 % right, a lead of −10.0 points" in result.verdict


@pytest.fixture
def recall(tmp_path: Path, prepare_data: Any) -> Any:
    """``recall(length)``: overrides of a small network on 200 sequences of this length, in four classes."""

    def made(length: int) -> list[str]:
        options = {"n_samples": 200, "length": length, "classes": 4, "noise": 0.2, "seed": 0}
        if not (root := tmp_path / f"recall-{length}").exists():
            prepare_data(root, "recall", Recall(**options), options)
        picks = ["model.bidirectional=false", "model.pool=last", "model.hidden=4"]
        return ["data=recall", f"data_dir={root}", *picks, *(f"data.{key}={value}" for key, value in options.items())]

    return made


def test_what_is_heard_is_asked_of_samples_of_every_class(
    config: Any, recall: Any, gathered: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(config("model=rnn", "epochs=1", *recall(6)))
    monkeypatch.setattr(memory, "SAMPLES", 8)
    gathered.clear()
    assert memory.gradient_over_time(run).shape == (6,)
    (rows,) = gathered
    assert set(run.parts[rows]) == {"test"}
    assert np.bincount(open_run_pack(run).labels[rows]).tolist() == [2, 2, 2, 2]


def test_a_real_study(study: Any, accuracies: Any, recall: Any) -> None:
    runs = study(*([f"model={model}", *recall(length)] for model in ("rnn", "lstm") for length in (5, 9)))
    result = memory.judge(runs)
    assert "chance is 25 %" in result.verdict
    remembered, heard = (section.parts[0].figure.data for section in result.pictures)
    assert [y for line in remembered for y in line.y] == pytest.approx(accuracies(runs))
    assert [(line.name, list(line.x)) for line in heard] == [(name, [*range(1, 10)]) for name in ("rnn", "lstm")]
    assert all((np.array(line.y) > 0).all() for line in heard)
