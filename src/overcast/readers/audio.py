"""Any sound file as one channel of samples, and that as log-mel features; or one short reason why not.

Mel scale as in HTK (Young et al., "The HTK Book", 2006), mel = 2595 log10(1 + f / 700), and triangles straight in Hz:
the filters are ``librosa.filters.mel(htk=True, norm=None)`` to the last bit, and stay own code since librosa brings a
compiler of 200 MB for these few lines, and the lighter kaldi-native-fbank has triangles of another shape.
"""

from __future__ import annotations

import io
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from overcast.core.errors import UserError
from overcast.readers.remarks import remark

SLOWEST, FASTEST = 1_000, 400_000
"""Sampling rates in Hz that a recording may have."""
Rate = Annotated[int, Field(ge=SLOWEST, le=FASTEST)]
Bands = Annotated[int, Field(ge=1, le=512)]
Milliseconds = Annotated[float, Field(gt=0, le=1000)]
LARGEST = 1 << 28  # bytes of a file: half an hour of wav at 44 kHz, in stereo
REASONS = {1: "no sound file, or of a kind that cannot be read", 7: "damaged: nothing in it can be decoded"}
"""Of libsndfile's errors by number, where its own words say too little or blame the file's name."""
FLOOR = 1e-5  # of power; below this there is only noise, at the level that recordings are brought to
NATURAL = math.log(10) / 10
"""What a decibel is in natural logarithms of power."""
MARGIN = 3  # steps kept before and after the part that is active
Decibels = Annotated[float, Field(gt=0, le=200)]


def read_audio(path: Path, rate: int, seconds: float) -> np.ndarray:
    """The recording (N,) float32 at ``rate`` Hz, its channels mixed to one, integers as -1 to 1.

    seconds: the longest that it may be. It is remarked where a wav file is cut short, and what is there is read.

    Raises: UserError whose text is a short reason without the file's name: the caller has that.
    """
    file_rate, wave = _decode(path, seconds)
    if len(wave) == 0:
        raise UserError("no samples in it, or none that its header tells of")
    if not (np.abs(wave) <= np.finfo(np.float32).max).all():
        raise UserError("samples that are no numbers, or beyond all measure")
    mono = wave.mean(1)
    if file_rate != rate:
        from scipy.signal import resample_poly

        common = math.gcd(rate, file_rate)
        mono = resample_poly(mono, rate // common, file_rate // common)
    return np.asarray(mono, np.float32)


def wav_excerpt(path: Path, rate: int, seconds: float) -> bytes:
    """The beginning of a recording, to listen to: a wav file's content, 16 bits, one channel, at most ``rate`` Hz.

    Raises: UserError as `read_audio`, but not for a long one.
    """
    import soundfile
    from scipy.signal import resample_poly

    file_rate, wave = _decode(path, seconds, cut=True)
    mono = wave.mean(1) if len(wave) else np.zeros(1)
    if file_rate > rate:
        common = math.gcd(rate, file_rate)
        mono, file_rate = resample_poly(mono, rate // common, file_rate // common), rate
    mono = np.nan_to_num(mono, posinf=0.0, neginf=0.0)
    stream = io.BytesIO()
    soundfile.write(stream, mono / max(float(np.abs(mono).max()), 1.0), file_rate, "PCM_16", format="WAV")
    return stream.getvalue()


def _decode(path: Path, seconds: float, cut: bool = False) -> tuple[int, np.ndarray]:
    """Rate in Hz and samples (N, channels) float64 of a file of any kind that libsndfile knows.

    cut: a longer recording ends after so many seconds, instead of being refused.
    """
    import soundfile

    try:
        size = path.stat().st_size
        if size == 0:
            raise UserError("an empty file (0 bytes)")
        if size > LARGEST:
            raise UserError(f"more than {LARGEST >> 20} MB")
        # by its number: soundfile takes no name that is not UTF-8, and what a file is its content alone shall say
        with path.open("rb") as file, _silent(), soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            rate, max_samples = sound.samplerate, seconds * sound.samplerate
            if not SLOWEST <= rate <= FASTEST:
                raise UserError(f"a sampling rate of {rate:,} Hz")
            wave = sound.read(int(min(max_samples, sound.frames)) + 1, "float64", always_2d=True)  # a header may lie
            if cut:
                return rate, wave[: int(max_samples)]
            if len(wave) > max_samples:
                raise UserError(f"{sound.frames / rate:.1f} s long: more than the {seconds:g} s of data.seconds")
        if size < (told := _told_size(path)) <= LARGEST:  # a larger one is that of a stream, which could not know
            remark(f"cut short: its header tells of {told:,} bytes, and {size:,} are there")
        return rate, wave
    except (UserError, MemoryError):
        raise
    except FileNotFoundError:
        raise UserError("no such file") from None
    except soundfile.LibsndfileError as error:
        raise UserError(REASONS.get(error.code, f"damaged, or not to be read ({error.error_string})")) from None
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})") from None


def _told_size(path: Path) -> int:
    """How many bytes a wav file has by its header; 0 for other files."""
    with path.open("rb") as file:
        head = file.read(8)
    return 8 + int.from_bytes(head[4:], "little") if head[:4] == b"RIFF" else 0


@contextmanager
def _silent() -> Iterator[None]:
    """Without the remarks on sound mp3 files that libmpg123 writes to standard error, whatever Python thinks of it."""
    if sys.stderr is None:  # the process has none
        yield
        return
    stderr = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    return np.asarray(2595 * np.log10(1 + np.asarray(hz) / 700))


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray:
    return np.asarray(700 * (10 ** (np.asarray(mel) / 2595) - 1))


def filters(n_mels: int, fft: int, rate: int) -> np.ndarray:
    """Triangles (mels, fft/2 + 1), 1 high, evenly spaced in mel; each reaches to its neighbours' centres."""
    return triangles(mel_to_hz(np.linspace(0, hz_to_mel(rate / 2), n_mels + 2)), np.linspace(0, rate / 2, fft // 2 + 1))


def triangles(points: np.ndarray, hz: np.ndarray) -> np.ndarray:
    """Triangles (n, frequencies), 1 high, each from one of the points (n + 2,) over the next to the next but one."""
    low, centre, high = points[:-2, None], points[1:-1, None], points[2:, None]
    rising, falling = (hz - low) / (centre - low), (high - hz) / (high - centre)
    sides: np.ndarray = np.maximum(0, np.minimum(rising, falling))
    return sides


@dataclass(frozen=True)
class LogMel:
    """Recordings as log-mel features: rate in Hz, number of bands, window and hop in milliseconds.

    subtract_mean: take from each band its mean over the recording: what a voice or microphone always adds is gone, and
    what changes stays (as cepstral mean subtraction does: Atal 1974).
    top_db: bands weaker than this many decibels below the loudest one are raised to it, so that no recording has a
    deeper silence than another; None: to a floor near digital silence.
    trim_db: leave out the steps at both ends whose level, the mean over the bands, is more than this many decibels
    below the highest; None: none.
    standardize: bring each recording as a whole to mean 0 and standard deviation 1.

    Raises: UserError for a window so short that it cannot tell the bands apart.
    """

    name: ClassVar[str] = "log_mel"
    rate: int
    n_mels: int
    window: float
    hop: float
    subtract_mean: bool = False
    top_db: float | None = None
    trim_db: float | None = None
    standardize: bool = False

    def __post_init__(self) -> None:
        if min(self._n_samples(self.window), self._n_samples(self.hop)) < 1:
            raise UserError(f"data.window={self.window} and data.hop={self.hop} are milliseconds: one is too short")
        if not self.bank.any(1).all():
            raise UserError(
                f"data.n_mels={self.n_mels} is too many for a window of {self.window:g} ms at {self.rate:,} Hz: "
                "some would be empty. Set fewer, or a longer data.window"
            )

    def _n_samples(self, milliseconds: float) -> int:
        return round(self.rate * milliseconds / 1000)

    @cached_property
    def fft(self) -> int:
        """Samples of the transform: the next power of two."""
        return 1 << (self._n_samples(self.window) - 1).bit_length()

    @cached_property
    def bank(self) -> np.ndarray:
        return filters(self.n_mels, self.fft, self.rate)

    def __call__(self, wave: np.ndarray) -> np.ndarray:
        """A recording (N,) as (T, mels) float32: the log of each band's power in each window.

        Every recording is first brought to the same level (root mean square 1), since how loud it was recorded
        says nothing of what was said. A window's worth of it or less gives one step.
        """
        from scipy.fft import rfft

        window, hop = self._n_samples(self.window), self._n_samples(self.hop)
        steps = 1 + max(0, -(-(len(wave) - window) // hop))
        level = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) or 1.0  # silence stays silence
        padded = np.zeros((steps - 1) * hop + window)
        padded[: len(wave)] = wave / level
        frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]  # (T, window)
        power = np.abs(rfft(frames * _hann(window), self.fft)) ** 2  # (T, fft/2 + 1)
        logarithm = np.log(np.maximum(power @ self.bank.T, FLOOR))  # (T, mels)
        if self.top_db is not None:
            # a click is no measure of how loud the rest is
            loudest = np.percentile(logarithm.max(1), 95)
            logarithm = np.maximum(logarithm, loudest - self.top_db * NATURAL)
        if self.trim_db is not None:
            level = logarithm.mean(1)
            active = np.flatnonzero(level >= level.max() - self.trim_db * NATURAL)
            logarithm = logarithm[max(0, active[0] - MARGIN) : active[-1] + 1 + MARGIN]
        if self.subtract_mean:
            logarithm -= logarithm.mean(0)
        if self.standardize:
            logarithm = (logarithm - logarithm.mean()) / (logarithm.std() or 1.0)
        return np.asarray(logarithm, np.float32)


def _hann(size: int) -> np.ndarray:
    from scipy.signal.windows import hann

    return np.asarray(hann(size, sym=False))
