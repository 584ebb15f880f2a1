"""Every kind of sound file and what is none; log-mel features against another transform and another's filters."""

from __future__ import annotations

import io
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from scipy.signal import lfilter

from overcast.core.errors import UserError
from overcast.readers import audio
from overcast.readers.audio import MARGIN, LogMel, filters, hz_to_mel, mel_to_hz, read_audio, wav_excerpt
from overcast.readers.remarks import Remark

TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
LIBROSA = [
    [0, 0.7705, 0.6304, 0.1039, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0.3696, 0.8961, 0.7113, 0.3515, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0.2887, 0.6485, 0.9944, 0.7486, 0.5028, 0.2570, 0.0112, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0.0056, 0.2514, 0.4972, 0.7430, 0.9888, 0.8397, 0.6718, 0.5038, 0.3359, 0.1679, 0],
]


def wav(path: Path, samples: np.ndarray, rate: int = 8000, subtype: str = "FLOAT", kind: str = "WAV") -> Path:
    soundfile.write(path, samples, rate, subtype, format=kind)
    return path


@pytest.mark.parametrize(
    ("kind", "subtype", "error"),
    [
        ("WAV", "PCM_U8", 2**-7),
        ("WAV", "PCM_16", 2**-15),
        ("WAV", "PCM_24", 2**-23),
        ("WAV", "PCM_32", 2**-23),  # what float32 keeps of it
        ("WAV", "FLOAT", 2**-24),
        ("WAV", "DOUBLE", 2**-24),
        ("WAV", "ULAW", 0.02),
        ("WAV", "ALAW", 0.02),
        ("WAV", "MS_ADPCM", 0.03),
        ("WAVEX", "PCM_24", 2**-23),
        ("RF64", "PCM_16", 2**-15),
        ("AIFF", "PCM_16", 2**-15),
        ("FLAC", "PCM_16", 2**-15),
        ("FLAC", "PCM_24", 2**-23),
        ("OGG", "VORBIS", 0.03),
        ("OGG", "OPUS", 0.1),
        ("MP3", "MPEG_LAYER_III", 0.1),
    ],
)
def test_every_kind_is_the_same_wave(tmp_path: Path, kind: str, subtype: str, error: float) -> None:
    wave = read_audio(wav(tmp_path / "a", TONE, subtype=subtype, kind=kind), 8000, 1)
    assert wave.dtype == np.float32
    assert wave[: len(TONE)] == pytest.approx(TONE, abs=error)
    assert not wave[len(TONE) :].any()  # codecs of blocks fill the last one


def test_sixteen_bits_come_to_the_last_one(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, 4000, dtype=np.int16)
    assert (
        read_audio(wav(tmp_path / "a.wav", samples, subtype="PCM_16"), 8000, 1) == samples / np.float32(2**15)
    ).all()


def test_what_a_file_is_its_content_says(tmp_path: Path) -> None:
    """Not its name: a text called .au is no telephone's noise; and a name may be of bytes that are not UTF-8."""
    (tmp_path / "a.au").write_text("a note on how this was recorded")
    with pytest.raises(UserError, match="no sound file"):
        read_audio(tmp_path / "a.au", 8000, 1)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp3"))
    wav(tmp_path / "b.wav", TONE, subtype="PCM_16", kind="FLAC").rename(odd)
    assert read_audio(odd, 8000, 1) == pytest.approx(TONE, abs=2**-15)


def test_mp3_is_read_without_its_readers_remarks(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wav(tmp_path / "a.mp3", TONE, subtype="MPEG_LAYER_III", kind="MP3")
    path.write_bytes(path.read_bytes()[:1250])
    assert 0 < len(read_audio(path, 8000, 1)) < 4000  # what is there
    assert capfd.readouterr().err == ""
    print("heard again", file=sys.stderr)
    assert capfd.readouterr().err == "heard again\n"
    monkeypatch.setattr(sys, "stderr", None)
    assert len(read_audio(path, 8000, 1))


def raw_wav(path: Path, riff: int, data: int) -> None:
    """400 samples of 16 bits below a header that says anything of their size."""
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    path.write_bytes(head + struct.pack("<4sI", b"data", data) + (TONE[:400] * 2**15).astype("<i2").tobytes())


@pytest.mark.parametrize("size", [2**31 - 1, 2**32 - 1, 836])
def test_a_length_that_a_stream_could_not_know(tmp_path: Path, size: int) -> None:
    raw_wav(tmp_path / "a.wav", size, size)
    assert read_audio(tmp_path / "a.wav", 8000, 1) == pytest.approx(TONE[:400], abs=2**-15)


def test_a_recording_that_was_cut_short_is_said_to_be(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", TONE)
    path.write_bytes(path.read_bytes()[:5001])
    with pytest.warns(Remark, match=r"cut short: its header tells of 16,\d\d\d bytes, and 5,001 are there"):
        assert 1200 < len(read_audio(path, 8000, 1)) < 1250


def test_what_follows_the_samples_is_let_be(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", TONE)
    path.write_bytes(path.read_bytes() + b"LIST\xff\xff\xff\0junk")
    assert len(read_audio(path, 8000, 1)) == 4000


def test_channels_are_mixed(tmp_path: Path) -> None:
    stereo = np.stack([TONE, np.zeros(4000)], 1)
    assert read_audio(wav(tmp_path / "a.wav", stereo), 8000, 1) == pytest.approx(TONE / 2, abs=1e-6)


@pytest.mark.parametrize("rate", [4000, 11_025, 16_000, 44_100])
def test_other_rates_keep_pitch_and_length(tmp_path: Path, rate: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)
    wave = read_audio(wav(tmp_path / "a.wav", tone, rate), 8000, 2)
    assert len(wave) == 8000
    assert np.abs(np.fft.rfft(wave)).argmax() == 440


def truncate(path: Path, kind: str = "WAV", subtype: str = "PCM_16", keep: int = 30) -> None:
    path.write_bytes(wav(path, TONE, subtype=subtype, kind=kind).read_bytes()[:keep])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b""), "an empty file"),
        (lambda path: path.write_text("ID3: a song, but no sound"), "no sound file"),
        (lambda path: path.write_bytes(b"ID3\0" + bytes(99)), "no sound file"),
        (lambda path: path.write_bytes(b"\xff\xfb" + bytes(3000)), "nothing in it can be decoded"),
        (lambda path: path.mkdir(), "Is a directory"),
        (truncate, "damaged"),
        (lambda path: truncate(path, "FLAC", "PCM_16", 900), "damaged"),
        (lambda path: truncate(path, "OGG", "VORBIS", 2500), "damaged"),
        (lambda path: path.write_bytes(b"RIFF\x04\0\0\0WAVE"), "damaged"),
        (lambda path: raw_wav(path, 0, 0), "no samples in it, or none that its header tells of"),
        (lambda path: wav(path, np.zeros(0)), "no samples"),
        (lambda path: wav(path, np.full(9, np.nan)), "no numbers"),
        (lambda path: wav(path, np.full(9, 1e39), subtype="DOUBLE"), "no numbers, or beyond all measure"),
        (lambda path: wav(path, np.zeros(8001)), r"1\.0 s long: more than the 1 s of data\.seconds"),
        (lambda path: wav(path, np.zeros(90_000), subtype="MPEG_LAYER_III", kind="MP3"), r"11\.2 s long"),
        (lambda path: wav(path, np.zeros(9), 10), "a sampling rate of 10 Hz"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_has_a_short_reason(tmp_path: Path, make, reason: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "a.wav")
    with pytest.raises(UserError, match=reason) as caught:
        read_audio(tmp_path / "a.wav", 8000, 1)
    assert "\n" not in str(caught.value)


def test_a_huge_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "LARGEST", 100)
    with pytest.raises(UserError, match="more than"):
        read_audio(wav(tmp_path / "a.wav", TONE), 8000, 1)


def test_the_mel_scale_of_htk() -> None:
    """1000 Hz is 1000 mel by definition; the others by the formula in its other form, 1127 ln(1 + f / 700)."""
    hertz = np.array([0, 100, 1000, 4000])
    assert hz_to_mel(hertz) == pytest.approx(1127.01048 * np.log1p(hertz / 700), rel=2e-5)
    assert hz_to_mel(1000) == pytest.approx(1000, abs=0.05)
    assert mel_to_hz(hz_to_mel(hertz)) == pytest.approx(hertz)


def test_filters_against_librosa() -> None:
    """``filters.mel(sr=8000, n_fft=32, n_mels=4, fmax=4000, htk=True, norm=None)`` of librosa 0.11."""
    assert filters(4, 32, 8000) == pytest.approx(np.array(LIBROSA), abs=1e-4)


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
    assert LogMel(8000, 20, 25, 10)(np.zeros(900)) == pytest.approx(np.log(audio.FLOOR))


def burst(before: int, after: int, quiet: float = 1e-4) -> np.ndarray:
    """Noise of half a second at 8 kHz between stretches of faint noise, in samples."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(0, level, n) for level, n in ((quiet, before), (1, 4000), (quiet, after))])


def test_the_floor_is_so_many_decibels_below_the_loudest_band() -> None:
    plain, floored = (LogMel(8000, 20, 25, 10, top_db=top)(burst(2000, 0)) for top in (None, 30))
    loudest = np.percentile(plain.max(1), 95)
    assert floored.min() == pytest.approx(loudest - 3 * np.log(10), abs=1e-5)
    assert floored == pytest.approx(np.maximum(plain, floored.min()), abs=1e-5)


def test_a_click_does_not_lift_the_floor() -> None:
    clicked = burst(2000, 2000)
    clicked[500] = 1e3
    level = [LogMel(8000, 20, 25, 10, top_db=30)(wave).min() for wave in (burst(2000, 2000), clicked)]
    power = 10 * np.log10(np.mean(clicked**2) / np.mean(burst(2000, 2000) ** 2))
    assert (level[0] - level[1]) * 10 / np.log(10) == pytest.approx(power, abs=3)  # only as all is brought to one level


@pytest.mark.parametrize(("before", "after"), [(0, 0), (2400, 0), (0, 2400), (1600, 4000)])
def test_what_is_faint_at_the_ends_is_trimmed(before: int, after: int) -> None:
    features = LogMel(8000, 20, 25, 10, trim_db=20)
    trimmed, whole = features(burst(before, after)), LogMel(8000, 20, 25, 10)(burst(before, after))
    steps = 1 + (4000 - 200) // 80
    edges = MARGIN * ((before > 0) + (after > 0))
    assert len(trimmed) == pytest.approx(steps + edges, abs=4)  # windows reach into what is faint
    begin = max(0, before // 80 - MARGIN - 2)
    assert any((whole[i : i + len(trimmed)] == trimmed).all() for i in range(begin, begin + 5))


def test_each_recording_is_standardised_on_its_own() -> None:
    for wave in (burst(800, 0), 0.01 * burst(0, 800, quiet=0.1)):
        features = LogMel(8000, 20, 25, 10, standardize=True)(wave)
        assert features.mean() == pytest.approx(0, abs=1e-5)
        assert features.std() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("n_samples", [1, 80, 900])
def test_silence_is_a_constant_whatever_is_asked_for(n_samples: int) -> None:
    features = LogMel(8000, 20, 25, 10, True, 40, 20, True)(np.zeros(n_samples))
    assert (features == 0).all()
    assert len(features) == 1 + max(0, -(-(n_samples - 200) // 80))


@pytest.mark.parametrize(("kind", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")])
def test_an_excerpt_to_listen_to_is_the_beginning_of_any_file(tmp_path: Path, kind: str, subtype: str) -> None:
    path = wav(tmp_path / "a", np.tile(TONE, 10), subtype=subtype, kind=kind)
    wave, rate = soundfile.read(io.BytesIO(wav_excerpt(path, 16_000, 0.5)))
    assert (rate, len(wave)) == (8000, 4000)
    assert wave == pytest.approx(TONE, abs=0.05)


def test_an_excerpt_has_one_channel_at_a_modest_rate_and_no_more_than_full_volume(tmp_path: Path) -> None:
    both = 3 * np.stack([np.sin(np.arange(96_000) / 20)] * 2, 1)
    wave, rate = soundfile.read(io.BytesIO(wav_excerpt(wav(tmp_path / "a", both, rate=96_000), 16_000, 4)))
    assert (rate, len(wave), wave.ndim) == (16_000, 16_000, 1)
    assert np.abs(wave).max() == pytest.approx(1, abs=0.01)
    with pytest.raises(UserError, match="no such file"):
        wav_excerpt(tmp_path / "none", 16_000, 4)
