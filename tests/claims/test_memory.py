"""The verdict follows the accuracies over length; each step's part in the loss is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.claims import memory


def cells(rows: Any, long_rnn: float, long_lstm: float) -> list[pd.DataFrame]:
    return [
        rows(accuracy, data="recall", model=model, **{"data.length": length})
        for model, accuracies in (("rnn", (0.95, long_rnn)), ("lstm", (0.95, long_lstm)))
        for length, accuracy in zip((10, 100), accuracies, strict=True)
    ]


@pytest.mark.parametrize(
    ("rnn", "lstm", "opening", "ahead"),
    [
        (0.25, 0.9, "It holds here. After 100 steps", "ahead from 100 steps on"),
        (0.9, 0.9, "It does not show here. After 100 steps", "At no length"),
    ],
)
def test_the_verdict(rows: Any, measured: Any, rnn: float, lstm: float, opening: str, ahead: str) -> None:
    found = measured(memory, *cells(rows, rnn, lstm), over_time=lambda run: np.ones(5))
    assert found.verdict.startswith(opening)
    assert ahead in found.verdict
    assert "chance is 25 %" in found.verdict
    assert len(found.pictures) == 2


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        ((0, 1, 1), "The LSTM is clearly ahead from 30 steps on."),
        ((1, 0, 1), "The LSTM is clearly ahead from 100 steps on."),
        ((1, 1, 0), "The LSTM is clearly ahead at 10, 30 steps, but not at every longer one."),
        ((0, 0, 0), "At no length is the LSTM clearly ahead."),
    ],
)
def test_ahead_from_some_length_on_only_if_at_every_longer_one(
    rows: Any, measured: Any, ahead: tuple[int, ...], told: str
) -> None:
    found = measured(
        memory,
        *(
            rows(0.4 + 0.5 * (model == "lstm") * lead, data="recall", model=model, **{"data.length": length})
            for length, lead in zip((10, 30, 100), ahead, strict=True)
            for model in ("rnn", "lstm")
        ),
        over_time=lambda run: np.ones(5),
    )
    assert told in found.verdict
    assert found.verdict.startswith("It holds" if ahead[-1] else "It does not show here.")


def test_speech_counts_too(rows: Any, measured: Any) -> None:
    speech = [rows(accuracy, data="speech", model=model) for model, accuracy in (("rnn", 0.9), ("lstm", 0.8))]
    found = measured(memory, *cells(rows, 0.25, 0.9), *speech, over_time=lambda run: np.ones(5))
    assert found.verdict.startswith("It holds here in part.")
    assert "On spoken digits the LSTM gets 80.0 % right, a lead of −10.0 points" in found.verdict
