"""Drifted, not drifted or undecided: as often as it should be, and whose lines count."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.prepare.folds import TEST, TRAIN, VALIDATION
from overcast.serving import drift as drifting
from overcast.serving.drift import (
    LEAST_SAMPLES,
    DriftVerdict,
    compare_predictions,
    measure_drift,
    open_reference,
)
from overcast.serving.logged_predictions import CONFIDENCE, Predictions
from overcast.serving.prediction_log import ModelIdentity, json_line, prediction
from overcast.training.train import train

MODEL = ModelIdentity("cnn", "run-1", "w" * 16, "f" * 16)
FEATURES = 8


def drawn(seed: int, number: int, shift: float = 0.0, share: float = 0.5, model: ModelIdentity = MODEL) -> Predictions:
    """Labels, and features that hang together, of which the first is shifted."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(number, FEATURES)) + draw.normal(size=(number, 1))
    x[:, 0] += shift * np.sqrt(2)
    confidence = 0.5 + 0.45 * draw.random(number) ** (1.5 - share)
    columns = {CONFIDENCE: confidence, **{f"feature {number}": column for number, column in enumerate(x.T)}}
    values = {name: array("d", column.tolist()) for name, column in columns.items()}
    return Predictions(model, ["xy"[int(y)] for y in draw.random(number) < share], values)


def drifted(reference: Predictions, logged: Predictions) -> bool:
    return any(test.drifted for test in compare_predictions(reference, logged))


@pytest.mark.parametrize("number", [60, 200])
def test_false_alarms_are_rare(number: int) -> None:
    """At most 5 % of logs in which nothing has changed; of 120, 13 are beyond chance (p < 0.01)."""
    alarms = sum(drifted(drawn(seed, 150), drawn(10_000 + seed, number)) for seed in range(120))
    assert alarms < 13


def test_what_has_changed_is_found_and_named() -> None:
    reference = drawn(1, 300)
    tests = compare_predictions(reference, drawn(2, 300, shift=0.8))
    assert [test.name for test in tests if test.drifted] == ["feature 0"]
    assert tests[0].logged - tests[0].reference == pytest.approx(0.8 * np.sqrt(2), abs=0.2)
    tests = compare_predictions(reference, drawn(2, 300, share=0.8))
    assert {test.name for test in tests if test.drifted} == {"label", CONFIDENCE}


def test_a_trifle_is_no_drift_however_long_the_log() -> None:
    tests = compare_predictions(drawn(1, 5000), drawn(2, 20_000, shift=0.12))
    first = next(test for test in tests if test.name == "feature 0")
    assert first.p < 0.001
    assert 0.02 < first.distance < 0.1
    assert not first.drifted


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> Predictions:
    found = drawn(1, 200)
    monkeypatch.setattr(drifting, "open_reference", lambda *_: found)
    return found


Write = Callable[..., Path]


@pytest.fixture
def log(tmp_path: Path) -> Write:
    """Write predictions as a log, an hour from one to the next, the last an hour ago."""

    def write(*many: Predictions, further: str = "") -> Path:
        lines = []
        for each in many:
            for number, label in enumerate(each.labels):
                values = {name: column[number] for name, column in each.values.items()}
                p = values.pop(CONFIDENCE)
                entry = prediction(np.array([p, 1 - p] if label == "x" else [1 - p, p]), ["x", "y"], values)
                time = datetime.now(UTC) - timedelta(hours=len(each) - number)
                lines.append(json_line(each.model, entry, time.isoformat()))
        path = tmp_path / "log.jsonl"
        path.write_text("".join(lines) + further)
        return path

    return write


@pytest.mark.usefixtures("reference")
def test_verdicts(log: Write) -> None:
    path = str(log(drawn(2, 100)))
    assert measure_drift(path, "it").verdict is DriftVerdict.NOT_DRIFTED
    assert measure_drift(path, "it", since=f"{LEAST_SAMPLES}h").verdict is DriftVerdict.UNDECIDED
    assert measure_drift(path, "it", since="2h").tests == ()
    path = str(log(drawn(2, 100, shift=2)))
    assert measure_drift(path, "it").verdict is DriftVerdict.DRIFTED
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert len(measure_drift(path, "it", until=tomorrow).logged) == 100
    assert measure_drift(path, "it", since=tomorrow).verdict is DriftVerdict.UNDECIDED


@pytest.mark.usefixtures("reference")
def test_a_camera_that_stands_still_counts_once(log: Write) -> None:
    path = str(log(*[drawn(2, 1)] * 200))
    assert measure_drift(path, "it").verdict is DriftVerdict.DRIFTED
    assert measure_drift(path, "it", distinct=True).verdict is DriftVerdict.UNDECIDED


@pytest.mark.usefixtures("reference")
def test_whose_lines_count(log: Write) -> None:
    other = ModelIdentity("lstm", "run-2", "v" * 16, "f" * 16)
    found = measure_drift(str(log(drawn(2, 100), drawn(3, 30, model=other), further="{\n")), "it")
    assert (len(found.logged), found.others, found.damaged) == (100, 30, 1)
    renamed = ModelIdentity("my cnn", "", MODEL.weights, MODEL.fingerprint)
    assert len(measure_drift(str(log(drawn(2, 100, model=renamed))), "it").logged) == 100
    with pytest.raises(UserError, match=r"all its lines are of another model: of lstm \(weights v+\), and none of cnn"):
        measure_drift(str(log(drawn(3, 30, model=other))), "it")
    with pytest.raises(UserError, match="none of its 2 lines is one of a prediction log"):
        measure_drift(str(log(further="a\nb\n")), "it")
    assert measure_drift(str(log()), "it").verdict is DriftVerdict.UNDECIDED


def test_without_a_model_it_is_the_run_of_the_last_line(log: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(drifting, "open_reference", lambda model, _: (asked.append(model), drawn(1, 200))[1])
    newer = ModelIdentity("lstm", "run-2", "v" * 16, "f" * 16)
    measure_drift(str(log(drawn(2, 60), drawn(3, 5, model=newer))))
    assert asked == ["run-2"]
    with pytest.raises(UserError, match="names no run: say whose reference counts"):
        measure_drift(str(log(drawn(3, 5, model=ModelIdentity("m", "", "w", "f")))))


@pytest.mark.parametrize("text", ["yesterday", "24", "2026-13-01"])
def test_a_time_that_is_none(text: str, log: Write) -> None:
    with pytest.raises(UserError, match=f"^since={text}: give a time"):
        measure_drift(str(log(drawn(2, 5))), "it", since=text)


def test_the_features_that_a_log_lacks(reference: Predictions, log: Write) -> None:
    logged = drawn(2, 100)
    del logged.values["feature 3"]
    found = measure_drift(str(log(logged)), "it")
    assert found.absent == ["feature 3"]
    assert len(found.tests) == len(reference.values)  # the labels, and all but one


def test_the_reference_of_a_run_is_its_validation_part(config: Any) -> None:
    run = train(config("epochs=1"))
    found = open_reference(str(run.folder))
    assert len(found) == (run.parts == VALIDATION).sum()
    assert found.model.weights == run.facts["weights"][:16]


def test_what_has_no_reference(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from overcast.serving.refit import refit

    run = refit(config("epochs=1"), None)
    assert set(run.parts) <= {TRAIN, TEST, "unused"}
    with pytest.raises(UserError, match=r"no validation part to be compared with.*Name the registered model"):
        open_reference(str(run.folder))
    with pytest.raises(UserError, match="a network's file alone has no reference"):
        open_reference("model.onnx")
