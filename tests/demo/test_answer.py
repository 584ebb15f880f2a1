"""What the page is told of a file is what `predict` says of it, with all that stands beside."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from overcast.core.errors import UserError
from overcast.core.words import use_language
from overcast.demo.open_demo import open_demo
from overcast.prediction.predict import prediction_table
from overcast.tracking.run_folder import Run


def test_the_answer_is_that_of_predict(run: Run, sky: bytes, tmp_path: Path) -> None:
    (tmp_path / "sky.png").write_bytes(sky)
    row = prediction_table(run, tmp_path / "sky.png").iloc[0]
    told = open_demo([run]).answer(sky)
    assert told["label"] == row["label"]
    assert {each["name"] for each in told["classes"]} == set(run.spec.classes)
    for each in told["classes"]:
        assert each["probability"] == pytest.approx(row[each["name"]])
    probabilities = [each["probability"] for each in told["classes"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert told["probability"] == probabilities[0]
    assert told["sample"]["image"].startswith("data:image/png;base64,")


def test_what_cannot_be_read_is_one_sentence_with_the_reader_s_reason(run: Run, sky: bytes) -> None:
    demo = open_demo([run])
    reasons = {
        b"this is a text": "not a picture, or of a format that Pillow cannot read: save it as PNG or JPEG",
        b"": "an empty file (0 bytes)",
        sky[:300]: "damaged or cut short",
    }
    for content, reason in reasons.items():
        for asked in (demo.answer, demo.explain):
            with pytest.raises(UserError) as raised:
                asked(content)
            assert str(raised.value).startswith(f"This cannot be read: {reason}")
            assert str(raised.value).endswith(".")
            assert "/tmp" not in str(raised.value)
    assert demo.answer(sky)["label"] in run.spec.classes


def test_a_recording(tones: Run, wav: Callable[..., bytes]) -> None:
    demo = open_demo([tones])
    told = demo.answer(wav(400, seconds=0.5))
    assert told["sample"]["alt"] == "spectrogram"
    assert told["nearest"]["samples"][0]["sound"] is True
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(0), 8000, format="WAV")
    with pytest.raises(UserError, match="no samples in it"):
        demo.answer(stream.getvalue())
    with pytest.raises(UserError, match="more than the 30 s"):
        demo.answer(wav(400, seconds=31))


def test_a_sentence(letters: Run) -> None:
    demo = open_demo([letters])
    told = demo.answer(b"A lovely xylophone film")
    assert told["sample"]["text"] == "a lovely ? film"
    assert {each["label"] for each in told["nearest"]["samples"]} <= {"good", "bad"}
    assert "film" in told["nearest"]["samples"][0]["text"]
    with pytest.raises(UserError, match=r"^This cannot be read: no words: the text is empty\.$"):
        demo.answer(b" \n\t ")


def test_a_table(own: Callable[..., Run], tmp_path: Path) -> None:
    rows = [f"{i},{i % 7},{'up' if i % 7 < 3 else 'down'}" for i in range(200)]
    (tmp_path / "machine.csv").write_text("\n".join(["time,value,state", *rows]))
    run = own("series", "ann", path=tmp_path / "machine.csv", label="state", time="time", window=6)
    demo = open_demo([run])
    pasted = "\n".join(["time,value", *(f"{i},{i % 7}" for i in range(6))]).encode()
    assert demo.answer(pasted)["label"] in ("up", "down")
    with pytest.raises(UserError, match=r"2 rows, but a window takes 6"):
        demo.answer(b"time,value\n0,1\n1,2")


def test_several_runs_answer_as_one_without_neighbours(run: Run, config: Any, sky: bytes) -> None:
    from overcast.training.train import train

    together = open_demo([run, train(config("epochs=1", "seed=1"))])
    told = together.answer(sky)
    assert told["nearest"] == {
        "text": "There are none: they take a single run, and the data it was trained on.",
        "samples": [],
    }
    assert together.explain(sky) == {"text": "There is no explanation: that takes a single run, with its weights."}


def test_in_korean(run: Run, sky: bytes) -> None:
    with use_language("ko"):
        demo = open_demo([run])
        told = demo.answer(sky)
        with pytest.raises(UserError, match=r"읽을 수 없습니다: [가-힣]"):
            demo.answer(b"")
    assert "같은 데이터" in told["others"]["text"]
