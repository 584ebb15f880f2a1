"""The page: the verdict first, each test in a row, in either language."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.core.words import use_language
from overcast.serving.drift import Drift, compare_predictions
from overcast.serving.drift_page import FEATURES, drift_page, feature_name, report_text, verdict_sentence, write_page
from overcast.serving.input_features import image_features, sequence_features, token_features
from overcast.serving.logged_predictions import CONFIDENCE, Predictions
from overcast.serving.prediction_log import ModelIdentity

MODEL = ModelIdentity("cnn <b>", "", "w" * 16, "f" * 16)


def drawn(seed: int, number: int, brightness: float = 0.5) -> Predictions:
    draw = np.random.default_rng(seed)
    columns = {CONFIDENCE: draw.random(number), "brightness": draw.normal(brightness, 0.1, number)}
    values = {name: array("d", column.tolist()) for name, column in columns.items()}
    return Predictions(MODEL, ["cloudy", "가<x>"] * (number // 2), values)


def a_drift(logged: Predictions, damaged: int = 0, others: int = 0) -> Drift:
    reference = drawn(0, 200)
    tests = compare_predictions(reference, logged) if len(logged) >= 50 else ()
    return Drift(reference, logged, tests, damaged, others)


def test_the_verdict_stands_first_and_what_drifted_in_the_first_row(tmp_path: Path) -> None:
    drift = a_drift(drawn(1, 100, brightness=0.3))
    assert verdict_sentence(drift).startswith("Drifted: brightness. ")
    (table,) = drift_page(drift, "log").sections[0].parts
    assert table.cells[0][0].text == "brightness"
    assert table.cells[0][-1].text == "drifted"
    assert [row[-1].text for row in table.cells[1:]] == ["not drifted"] * 2
    page = write_page(drift, tmp_path / "page", "log").read_text()
    assert page.index("Drifted: brightness") < page.index("What was compared")
    assert "cnn &lt;b&gt;" in page
    assert sorted(path.name for path in (tmp_path / "page").iterdir()) == ["distributions.png", "index.html"]


def test_nothing_found_says_what_would_have_been() -> None:
    sentences = [verdict_sentence(a_drift(drawn(seed, number))) for seed, number in ((1, 60), (2, 5000))]
    assert all(sentence.startswith("Not drifted: nothing differs by 0.1 or more") for sentence in sentences)
    small, large = (float(sentence.split("from ")[1].split(" ")[0]) for sentence in sentences)
    assert 0.1 < large < small < 0.4


def test_what_else_a_log_says() -> None:
    logged = drawn(1, 100)
    logged.refused = Counter({"not a picture": 3})
    for name, column in logged.values.items():
        logged.values[name] = array("d", [column[0], column[0], *column[2:]])
    logged.first = logged.last = datetime(2026, 1, 2, tzinfo=UTC)
    text = report_text(a_drift(logged, damaged=1, others=4))
    for sentence in (
        "100 predictions in use, 2026-01-02 00:00 to 2026-01-02 00:00 (UTC), against 200 of the validation part",
        "Requests refused, since they could not be read: 3 (not a picture: 3).",
        "Predictions that repeat the values of another one: 1;",
        "Lines of other models, which do not count: 4.",
        "Damaged lines, which do not count: 1.",
    ):
        assert sentence in text


def test_too_few_are_a_page_too(tmp_path: Path) -> None:
    drift = a_drift(drawn(1, 20))
    assert "Undecided: the log has 20 predictions of this model, and 50 are needed." in report_text(drift)
    assert "Undecided" in write_page(drift, tmp_path / "page", "log").read_text()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    with pytest.raises(UserError, match="holds other files"):
        write_page(drift, tmp_path / "mine", "log")


def test_in_korean(tmp_path: Path) -> None:
    with use_language("ko"):
        page = write_page(a_drift(drawn(1, 100, brightness=0.3)), tmp_path / "page", "log").read_text()
    assert "변화함: 밝기" in page
    assert "Drift" not in page.replace("drift", "")


@pytest.mark.parametrize(
    "features",
    [
        lambda: image_features(np.zeros((3, 8, 8), np.uint8)),
        lambda: sequence_features(np.zeros((5, 3))),
        lambda: sequence_features(np.zeros((5, 3)), bands=True),
        lambda: token_features(np.array([1, 2])),
    ],
)
def test_every_feature_has_a_name(features: Callable[[], dict[str, float]]) -> None:
    for name in features():
        assert name in FEATURES or feature_name(name).startswith("mean of feature ")
