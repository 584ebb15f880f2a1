"""What speaks for the class: maps of a picture or a recording, words of a sentence; without captum fewer."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest

from overcast.demo.open_demo import open_demo
from overcast.tracking.run_folder import Run

LEFT_OUT = "Integrated gradients and Grad-CAM are left out: they take the extra `explain`."


def test_a_picture_has_maps(run: Run, sky: bytes) -> None:
    pytest.importorskip("captum", reason="it needs an extra")
    told = open_demo([run]).explain(sky)
    assert told["image"].startswith("data:image/png;base64,")
    assert "Occlusion:" in told["text"]
    assert "Integrated gradients:" in told["text"]
    assert LEFT_OUT not in told["text"]


def test_a_recording_has_maps(tones: Run, wav: Callable[..., bytes]) -> None:
    assert open_demo([tones]).explain(wav(300))["image"].startswith("data:image/png;base64,")


def test_the_words_of_a_sentence_are_weighed(letters: Run) -> None:
    told = open_demo([letters]).explain(b"a lovely zebra")
    assert [word for word, _ in told["words"]] == ["a", "lovely", "?"]
    assert all(isinstance(worth, float) for _, worth in told["words"])
    assert "“?” is a word that the data set does not have." in told["text"]


def test_without_captum_occlusion_is_left(run: Run, sky: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "captum" else find(name, *more)
    )
    told = open_demo([run]).explain(sky)
    assert told["image"].startswith("data:image/png;base64,")
    assert "Integrated gradients:" not in told["text"]
    assert told["text"].endswith(LEFT_OUT)
