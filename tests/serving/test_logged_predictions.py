"""A log as columns: whatever a line is, the others count."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.serving.logged_predictions import CONFIDENCE, read_predictions
from overcast.serving.prediction_log import ModelIdentity, json_line, prediction

MODEL, OTHER = ModelIdentity("a", "1", "w", "f"), ModelIdentity("b", "2", "v", "f")


def line(model: ModelIdentity = MODEL, p: float = 0.75, day: int = 1, **features: float) -> str:
    entry = prediction(np.array([1 - p, p]), ["x", "y"], features)
    return json_line(model, entry, f"2026-01-{day:02}T12:00:00+00:00")


def written(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"".join(each if isinstance(each, bytes) else each.encode() for each in lines))
    return path


def test_columns_of_each_model(tmp_path: Path) -> None:
    log = written(tmp_path / "log", line(length=3), line(p=0.5, length=4, day=3), line(OTHER, length=9))
    found = read_predictions(log)
    ours = found.of_models[MODEL.key]
    assert ours.labels == ["y", "x"]
    assert ours.column(CONFIDENCE).tolist() == [0.75, 0.5]
    assert ours.column("length").tolist() == [3, 4]
    assert ours.column("nothing").tolist() == []
    assert (ours.first, ours.last) == (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 3, 12, tzinfo=UTC))
    assert len(found.of_models[OTHER.key]) == 1
    assert found.damaged == 0


@pytest.mark.parametrize(
    "bad",
    [
        b"\xff\x00\n",
        b"{\n",
        b"[]\n",
        b"7\n",
        b'{"model": 1}\n',
        b"[" * 100_000 + b"\n",
        line().encode()[:-20] + b"\n",
        line().replace("0.75", '"high"').encode(),
        line().replace("0.75", "7").encode(),
        line().replace('"y"', "null", 1).encode(),
        line().replace("2026-01-01", "yesterday").encode(),
        json.dumps(json.loads(line()) | {"features": [1]}).encode() + b"\n",
        json.dumps(json.loads(line()) | {"probabilities": {}}).encode() + b"\n",
    ],
    ids=range(13),
)
def test_a_damaged_line_is_counted_and_stops_nothing(bad: bytes, tmp_path: Path) -> None:
    found = read_predictions(written(tmp_path / "log", line(), bad, line(), b"\n", line()))
    assert found.damaged == 1
    assert len(found.of_models[MODEL.key]) == 3


def test_refused_requests_count_apart(tmp_path: Path) -> None:
    refused = json_line(MODEL, {"refused": "no picture"}, "2026-01-01T12:00:00+00:00")
    (ours,) = read_predictions(written(tmp_path / "log", refused, line(), refused)).of_models.values()
    assert ours.refused == {"no picture": 2}
    assert len(ours) == 1


def test_a_time_range(tmp_path: Path) -> None:
    log = written(tmp_path / "log", *(line(day=day) for day in range(1, 6)))
    (ours,) = read_predictions(
        log, datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC)
    ).of_models.values()
    assert len(ours) == 2


def test_a_feature_that_some_lines_lack(tmp_path: Path) -> None:
    log = written(tmp_path / "log", line(a=1), line(a=2, b=3), line(b=float("nan")))
    (ours,) = read_predictions(log).of_models.values()
    assert ours.column("a").tolist() == [1, 2]
    assert ours.column("b").tolist() == [3]


def test_what_repeats_counts_once(tmp_path: Path) -> None:
    lines: list[Any] = [line(a=1), line(a=1, day=2), line(a=2), line(a=float("nan")), line(a=float("nan"))]
    (ours,) = read_predictions(written(tmp_path / "log", *lines)).of_models.values()
    assert ours.distinct().column("a").tolist() == [1, 2]
    assert len(ours.distinct()) == 3


def test_no_log(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match=f"log={path}: it cannot be read"):
            read_predictions(path)
