"""What is kept of a request, by several processes into one file; and that no request fails because of it."""

from __future__ import annotations

import base64
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from overcast.core.spec import Spec
from overcast.data._sky_painter import render

pytest.importorskip("onnxruntime", reason="it needs an extra")
from overcast.serving import prediction_log
from overcast.serving.input_features import image_features
from overcast.serving.prediction_log import INPUTS, LOG, ModelIdentity, PredictionLog
from overcast.serving.pyfunc import InvalidInput, ServedModel, _load_pyfunc

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

KEPT = str(Path(__file__).parent / "data" / "skies.onnx")
PICTURES = render([3, 4], seed=0, size=40, difficulty=0.2)


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png")
    return buffer.getvalue()


def frame(*values: Any) -> pd.DataFrame:
    return pd.DataFrame({"content": pd.Series(values, dtype=object)})


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(LOG, str(tmp_path / "log.jsonl"))
    monkeypatch.delenv(INPUTS, raising=False)
    return tmp_path / "log.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_a_sample_says_what_was_answered(log: Path) -> None:
    served = _load_pyfunc(KEPT)
    table = served.predict(frame(*map(png, PICTURES)))
    kept = lines(log)
    assert [line["label"] for line in kept] == table["label"].tolist()
    for line, (_, row), picture in zip(kept, table.iterrows(), PICTURES, strict=True):
        assert line["probabilities"] == pytest.approx(row.drop("label").to_dict(), abs=1e-6)
        assert line["features"] == pytest.approx(image_features(served.dataset.read(_file(log, picture))), rel=1e-4)
        assert line["time"].endswith("+00:00")
        assert line["model"]["weights"] == served.model.metadata.weights[:16]
        assert line["model"]["fingerprint"] == served.model.metadata.fingerprint[:16]
        assert "content" not in line
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def _file(log: Path, picture: np.ndarray) -> Path:
    path = log.with_name("picture.png")
    path.write_bytes(png(picture))
    return path


def test_inputs_only_if_asked_and_as_they_can_be_sent_again(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INPUTS, "1")
    content, array = png(PICTURES[0]), np.zeros((3, 16, 16), np.uint8)
    served = _load_pyfunc(KEPT)
    served.predict(frame(content, base64.b64encode(content).decode(), _file(log, PICTURES[0]), array))
    *pictures, lists = [line["content"] for line in lines(log)]
    assert pictures == [base64.b64encode(content).decode()] * 3
    again = served.predict(frame(pictures[0], lists))
    assert again["label"].tolist() == [line["label"] for line in lines(log)[-2:]]


def test_a_refused_request_is_one_line_without_its_input(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INPUTS, "1")
    served = _load_pyfunc(KEPT)
    with pytest.raises(InvalidInput):
        served.predict(frame(png(PICTURES[0]), b"secret"))
    (line,) = lines(log)
    assert "not a picture" in line["refused"]
    assert not {"label", "features", "content"} & line.keys()


def test_nothing_is_kept_unless_asked(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ServedModel(Path(KEPT)).predict(frame(png(PICTURES[0])))  # as `register` measures what it costs
    monkeypatch.setenv(LOG, "")
    _load_pyfunc(KEPT).predict(frame(png(PICTURES[0])))
    assert not log.exists()


@pytest.mark.parametrize("place", ["/nowhere/log.jsonl", "/", "/dev/full", "fifo"])
def test_a_log_that_cannot_be_written_fails_no_request(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if place == "fifo":  # that nobody reads: to open it would wait for ever
        os.mkfifo(place := str(tmp_path / "fifo"))
    monkeypatch.setenv(LOG, place)
    served = _load_pyfunc(KEPT)
    for _ in range(3):
        assert len(served.predict(frame(png(PICTURES[0])))) == 1
    with pytest.raises(InvalidInput, match="not a picture"):
        served.predict(frame(b"no picture"))
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"overcast: not all predictions are logged: {LOG}={place}: ")


def test_nor_does_a_fault_of_what_makes_its_lines(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prediction_log, "input_features", lambda *_: 1 / 0)
    assert len(_load_pyfunc(KEPT).predict(frame(png(PICTURES[0])))) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert not log.exists()


def test_what_is_no_number_and_a_broken_name_are_still_a_line(tmp_path: Path) -> None:
    model = ModelIdentity.of("a\udce9\n", "", "w", "f")
    kept = PredictionLog(str(tmp_path / "log"), model, Spec("sequence", (3, 1), ("가", "b")))
    kept.write([kept.answered(np.full((3, 1), np.inf), np.array([0.25, 0.75]), None)])
    (line,) = lines(tmp_path / "log")
    assert line["label"] == "b"
    assert line["features"]["mean"] is None
    assert line["features"]["length"] == 3


def test_a_file_that_is_moved_away_is_begun_again(log: Path) -> None:
    served = _load_pyfunc(KEPT)
    served.predict(frame(png(PICTURES[0])))
    log.rename(log.with_suffix(".1"))
    served.predict(frame(png(PICTURES[0])))
    assert len(lines(log)) == len(lines(log.with_suffix(".1"))) == 1


def test_processes_do_not_mix_their_lines(tmp_path: Path) -> None:
    """Four that write long requests at once."""
    code = (
        "import sys, numpy as np\n"
        "from overcast.core.spec import Spec\n"
        "from overcast.serving.prediction_log import ModelIdentity, PredictionLog\n"
        "log = PredictionLog(sys.argv[1], ModelIdentity('m', '', 'w', 'f'), Spec('tokens', (9,), ('a', 'b')), True)\n"
        "line = log.answered(np.arange(9), np.array([.5, .5]), sys.argv[2] * 3000)\n"
        "[log.write([line] * 20) for _ in range(40)]"
    )
    path = tmp_path / "log"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), letter]) for letter in "abcd"]
    assert [writer.wait() for writer in writers] == [0] * 4
    contents = [line["content"] for line in lines(path)]
    assert len(contents) == 4 * 40 * 20
    for start in range(0, len(contents), 20):  # and those of a request stay together
        assert len(set(contents[start : start + 20])) == 1
