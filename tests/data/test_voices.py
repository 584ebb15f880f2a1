"""Synthetic voices: the same from the same seed, every digit once by each; a clear word where espeak-ng is missing."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.data import build_dataset
from overcast.data.speech import Speech
from overcast.data.voices import SPEAKERS, Synthesizer, Voices, draw_room


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve voices at 8 kHz."""
    pytest.importorskip("espeakng_loader", reason="it needs an extra")
    raw = tmp_path_factory.mktemp("voices")
    Voices(12).fetch(raw, None)
    return raw


def test_every_voice_says_every_digit(spoken: Path) -> None:
    samples = Voices(12).samples(spoken)
    assert Counter(sample.label for sample in samples) == dict.fromkeys("0123456789", 12)
    assert set(Counter(sample.group for sample in samples).values()) == {10}
    waves = [soundfile.read(spoken / sample.file) for sample in samples]
    assert {rate for _, rate in waves} == {8000}
    assert all(
        0.15 < len(wave) / 8000 < 1.5 and np.abs(wave).max() == pytest.approx(0.5, abs=0.01) for wave, _ in waves
    )


def test_the_first_voices_are_the_same_whatever_their_number(spoken: Path, tmp_path: Path) -> None:
    Voices(10).fetch(tmp_path, None)
    fewer = sorted(tmp_path.iterdir())
    assert len(fewer) == 100
    assert all(path.read_bytes() == (spoken / path.name).read_bytes() for path in fewer)


def test_the_features_are_those_of_real_recordings(spoken: Path) -> None:
    path = sorted(spoken.glob("7_*.wav"))[0]
    features = Voices().read(path)
    assert (features == Speech().read(path)).all()
    assert 15 < len(features) < 120
    assert features.shape[1] == 40


def test_a_room_adds_echo_tone_and_noise_within_its_bounds() -> None:
    rate = 8000
    wave = np.sin(2 * np.pi * 300 * np.arange(rate // 2) / rate) * np.repeat([1.0, 0.0], rate // 4)  # then silence
    below = []
    for seed in range(40):
        heard = draw_room(np.random.default_rng(seed), rate)(wave)
        assert len(heard) == len(wave) + 2 * round(0.15 * rate)
        before, spoken = heard[: rate // 10], heard[round(0.15 * rate) :][: rate // 4]
        below.append(20 * np.log10(spoken.std() / before.std()))
    assert 10 < min(below) < 20
    assert 38 < max(below) < 47
    again, other = (draw_room(np.random.default_rng(seed), rate)(wave) for seed in (0, 1))
    assert (again == draw_room(np.random.default_rng(0), rate)(wave)).all()
    assert np.abs(again - other).max() > 0.1


def test_a_silent_voice_is_noise() -> None:
    heard = draw_room(np.random.default_rng(0), 8000)(np.zeros(500))
    assert np.isfinite(heard).all()
    assert heard.std() > 0


def test_there_are_people_only_and_each_speaker_speaks() -> None:
    pytest.importorskip("espeakng_loader", reason="it needs an extra")
    synthesizer = Synthesizer()
    assert len(synthesizer.variants) > 60
    assert not any("robo" in name.lower() or "whisper" in name.lower() for name in synthesizer.variants)
    for speaker in SPEAKERS:
        assert (
            len(synthesizer.say("seven", f"{speaker}+{synthesizer.variants[0]}", 50, 50, 150)) > 0.2 * synthesizer.rate
        )
    fast, slow = (len(synthesizer.say("seven", "en-us", 50, 50, speed)) for speed in (230, 100))
    assert fast < slow
    with pytest.raises(UserError, match="no voice tlh"):
        synthesizer.say("wa'", "tlh", 50, 50, 150)


def test_a_missing_synthesiser_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(UserError, match=r'^synthetic voices need the extra `voices`.*pip install .*"\.\[voices\]"$'):
        Synthesizer()


@pytest.mark.parametrize(("option", "value"), [("n_voices", 9), ("n_voices", "many"), ("seed", -1), ("top_db", 0)])
def test_bad_options_are_named(option: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"data\.{option}={value}: must be .+"):
        build_dataset(Option.from_dict({"_target_": "overcast.data.voices.Voices", option: value}))
