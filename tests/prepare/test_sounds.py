"""Every kind of wav file and what is none; log-mel features against another transform and known frequencies."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from scipy.signal import lfilter

from overcast.errors import UserError
from overcast.prepare import sounds
from overcast.prepare.sounds import LogMel, filters, hz_to_mel, mel_to_hz, read

TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)


def wav(path: Path, samples: np.ndarray, rate: int = 8000) -> Path:
    wavfile.write(path, rate, samples)
    return path


def wav24(path: Path, samples: np.ndarray) -> Path:
    """24 bits a sample, which scipy reads but does not write."""
    data = b"".join(struct.pack("<i", value << 8)[1:] for value in samples.tolist())
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, 8000, 24000, 3, 24,
                       b"data", len(data))  # fmt: skip
    path.write_bytes(head + data)
    return path


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_every_width_is_the_same_wave(tmp_path: Path, kind: type) -> None:
    top = {np.uint8: 127, np.int16: 32767, np.int32: 2**31 - 1}.get(kind, 1)
    samples = (TONE * top + (128 if kind is np.uint8 else 0)).astype(kind)
    assert read(wav(tmp_path / "a.wav", samples), 8000, 1) == pytest.approx(TONE, abs=0.02)


def test_24_bits(tmp_path: Path) -> None:
    samples = (TONE * (2**23 - 1)).astype(int)
    assert read(wav24(tmp_path / "a.wav", samples), 8000, 1) == pytest.approx(TONE, abs=1e-5)


def test_channels_are_mixed(tmp_path: Path) -> None:
    stereo = np.stack([TONE, np.zeros(4000)], 1).astype(np.float32)
    assert read(wav(tmp_path / "a.wav", stereo), 8000, 1) == pytest.approx(TONE / 2, abs=1e-6)


@pytest.mark.parametrize("rate", [4000, 11_025, 16_000, 44_100])
def test_other_rates_keep_pitch_and_length(tmp_path: Path, rate: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)
    found = read(wav(tmp_path / "a.wav", tone, rate), 8000, 2)
    assert len(found) == 8000
    assert np.abs(np.fft.rfft(found)).argmax() == 440


def cut(path: Path) -> None:
    path.write_bytes(wav(path, np.ones(100, np.int16)).read_bytes()[:30])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b""), "an empty file"),
        (lambda path: path.write_text("ID3: a song, but no wav"), "not a wav file"),
        (lambda path: path.mkdir(), "damaged|not a wav"),
        (cut, "damaged"),
        (lambda path: path.write_bytes(b"RIFF\x04\0\0\0WAVE"), "damaged"),
        (lambda path: wav(path, np.zeros(0, np.int16)), "no samples"),
        (lambda path: wav(path, np.full(9, np.nan, np.float32)), "no numbers"),
        (lambda path: wav(path, np.zeros(8001, np.int16)), r"1\.0 s long: more than the 1 s of data\.seconds"),
        (lambda path: wav(path, np.zeros(9, np.int16), 10), "a sampling rate of 10 Hz"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_has_a_short_reason(tmp_path: Path, make, reason: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "a.wav")
    with pytest.raises(UserError, match=reason) as caught:
        read(tmp_path / "a.wav", 8000, 1)
    assert "\n" not in str(caught.value)


def test_a_huge_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "LARGEST", 100)
    with pytest.raises(UserError, match="more than"):
        read(wav(tmp_path / "a.wav", TONE), 8000, 1)


def test_the_mel_scale_of_htk() -> None:
    """1000 Hz is 1000 mel by definition; the others by the formula in its other form, 1127 ln(1 + f / 700)."""
    hertz = np.array([0, 100, 1000, 4000])
    assert hz_to_mel(hertz) == pytest.approx(1127.01048 * np.log1p(hertz / 700), rel=2e-5)
    assert hz_to_mel(1000) == pytest.approx(1000, abs=0.05)
    assert mel_to_hz(hz_to_mel(hertz)) == pytest.approx(hertz)


def test_filters_are_triangles_that_share_every_frequency() -> None:
    bank = filters(10, 512, 8000)
    hz = np.linspace(0, 4000, 257)
    centres = mel_to_hz(np.arange(1, 11) * hz_to_mel(4000) / 11)
    between = (hz >= centres[0]) & (hz <= centres[-1])
    assert bank.sum(0)[between] == pytest.approx(1)
    assert np.abs(hz[bank.argmax(1)] - centres).max() <= 8000 / 512
    assert (bank[:, [0, -1]] == 0).all()


def test_features_against_another_transform() -> None:
    wave = np.random.default_rng(0).normal(0, 1, 2000).astype(np.float32)
    features = LogMel(8000, 20, 25, 10)
    padded = torch.from_numpy(np.pad(wave / np.sqrt((wave**2).mean()), (0, 2040 - len(wave)))).double()
    window = torch.hann_window(200, dtype=torch.float64)
    # torch puts a short window in the middle of the transform: that moves the phase only, and the frames by 28
    spectrum = torch.stft(torch.nn.functional.pad(padded, (28, 28)), 256, 80, 200, window, False, return_complex=True)
    expected = (torch.from_numpy(filters(20, 256, 8000)) @ spectrum.abs() ** 2).log().T
    assert features(wave).shape == expected.shape == (24, 20)
    assert features(wave) == pytest.approx(expected.numpy(), abs=1e-4)


def test_a_tone_is_loudest_in_its_band_and_loudness_says_nothing() -> None:
    features = LogMel(8000, 40, 25, 10)
    centres = mel_to_hz(np.arange(1, 41) * hz_to_mel(4000) / 41)
    for band in (5, 20, 35):
        tone = np.sin(2 * np.pi * centres[band] * np.arange(4000) / 8000)
        assert (features(tone)[:-1].argmax(1) == band).all()
        assert features(tone / 100) == pytest.approx(features(tone), abs=1e-4)


def test_what_a_microphone_always_adds_is_gone_once_centred() -> None:
    wave = np.random.default_rng(0).normal(0, 1, 8000) * np.repeat(np.random.default_rng(1).uniform(0.2, 1, 8), 1000)
    dull = lfilter([1.0, 0.6], [1.0], wave)  # as another microphone hears it
    plain, centred = (LogMel(8000, 20, 25, 10, centre) for centre in (False, True))
    assert np.abs(plain(dull) - plain(wave)).mean() > 0.5
    assert np.abs(centred(dull) - centred(wave)).mean() < 0.1
    assert centred(wave).mean(0) == pytest.approx(0, abs=1e-5)
    assert centred(wave).std(0).min() > 0.5


@pytest.mark.parametrize(("number", "steps"), [(1, 1), (200, 1), (201, 2), (280, 2), (281, 3)])
def test_every_sample_is_in_a_window(number: int, steps: int) -> None:
    assert LogMel(8000, 20, 25, 10)(np.ones(number)).shape == (steps, 20)


def test_silence_is_the_floor() -> None:
    assert LogMel(8000, 20, 25, 10)(np.zeros(900)) == pytest.approx(np.log(sounds.FLOOR))
