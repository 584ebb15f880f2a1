"""Any wav file as one channel of samples, and that as log-mel features; or one short reason why not.

Mel scale and triangular filters as in HTK (Young et al., "The HTK Book", 2006): mel = 2595 log10(1 + f / 700).
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from overcast.errors import UserError

SLOWEST, FASTEST = 1_000, 400_000
"""Sampling rates in Hz that a recording may have."""
Rate = Annotated[int, Field(ge=SLOWEST, le=FASTEST)]
Bands = Annotated[int, Field(ge=1, le=512)]
Milliseconds = Annotated[float, Field(gt=0, le=1000)]
LARGEST = 1 << 28  # bytes of a file: half an hour at 44 kHz, in stereo
FLOOR = 1e-5  # of power; below this there is only noise, at the level that recordings are brought to


def read(path: Path, rate: int, seconds: float) -> np.ndarray:
    """The recording (N,) float32 at ``rate`` Hz, its channels mixed to one, integers as -1 to 1.

    seconds: the longest that it may be.

    Raises: UserError whose text is a short reason without the file's name: the caller has that.
    """
    own, wave = _samples(path)
    if not SLOWEST <= own <= FASTEST:
        raise UserError(f"a sampling rate of {own:,} Hz")
    if len(wave) == 0:
        raise UserError("no samples in it")
    if len(wave) > seconds * own:
        raise UserError(f"{len(wave) / own:.1f} s long: more than the {seconds:g} s of data.seconds")
    mono = _mono(wave)
    if not np.isfinite(mono).all():
        raise UserError("samples that are no numbers")
    if own != rate:
        from scipy.signal import resample_poly

        common = math.gcd(rate, own)
        mono = resample_poly(mono, rate // common, own // common)
    return np.asarray(mono, np.float32)


def _samples(path: Path) -> tuple[int, np.ndarray]:
    """Rate in Hz and samples (N,) or (N, channels) of a wav file, as they are stored."""
    from scipy.io import wavfile

    try:
        size = path.stat().st_size
        if size == 0:
            raise UserError("an empty file (0 bytes)")
        if size > LARGEST:
            raise UserError(f"more than {LARGEST >> 20} MB")
        with path.open("rb") as file:
            if file.read(4) not in (b"RIFF", b"RIFX", b"RF64"):
                raise UserError("not a wav file")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful file is either read or reported, nothing in between
            rate, wave = wavfile.read(path)
            return int(rate), wave
    except (UserError, MemoryError):
        raise
    except FileNotFoundError:
        raise UserError("no such file") from None
    except Exception as error:  # of a damaged file: ValueError, struct.error, UnboundLocalError, ...
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"damaged, or of a kind that cannot be read ({reason})") from None


def _mono(wave: np.ndarray) -> np.ndarray:
    """Samples (N,) or (N, channels) of any type as (N,) float64, integers as -1 to 1."""
    if wave.dtype == np.uint8:  # 8-bit samples have no sign
        scaled = (wave.astype(np.float64) - 128) / 128
    elif np.issubdtype(wave.dtype, np.integer):  # of 24 bits too, which come as the upper ones of 32
        scaled = wave / -float(np.iinfo(wave.dtype).min)
    else:
        scaled = wave.astype(np.float64)
    return scaled if scaled.ndim == 1 else np.asarray(scaled.mean(1))


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    return np.asarray(2595 * np.log10(1 + np.asarray(hz) / 700))


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray:
    return np.asarray(700 * (10 ** (np.asarray(mel) / 2595) - 1))


def filters(mels: int, fft: int, rate: int) -> np.ndarray:
    """Triangles (mels, fft/2 + 1), 1 high, evenly spaced in mel; each reaches to its neighbours' centres."""
    points = mel_to_hz(np.linspace(0, hz_to_mel(rate / 2), mels + 2))[:, None]  # (mels + 2, 1)
    hz = np.linspace(0, rate / 2, fft // 2 + 1)
    low, centre, high = points[:-2], points[1:-1], points[2:]
    rising, falling = (hz - low) / (centre - low), (high - hz) / (high - centre)
    triangles: np.ndarray = np.maximum(0, np.minimum(rising, falling))
    return triangles


@dataclass(frozen=True)
class LogMel:
    """Recordings as log-mel features: rate in Hz, number of bands, window and hop in milliseconds.

    centre: take from each band its mean over the recording: what a voice or a microphone always adds is gone, and
    what changes stays (as cepstral mean subtraction does: Atal 1974).

    Raises: UserError for a window so short that it cannot tell the bands apart.
    """

    rate: int
    mels: int
    window: float
    hop: float
    centre: bool = False

    def __post_init__(self) -> None:
        if min(self._samples(self.window), self._samples(self.hop)) < 1:
            raise UserError(f"data.window={self.window} and data.hop={self.hop} are milliseconds: one is too short")
        if not self.bank.any(1).all():
            raise UserError(
                f"data.mels={self.mels} is too many for a window of {self.window:g} ms at {self.rate:,} Hz: "
                "some would be empty. Set fewer, or a longer data.window"
            )

    def _samples(self, milliseconds: float) -> int:
        return round(self.rate * milliseconds / 1000)

    @cached_property
    def fft(self) -> int:
        """Samples of the transform: the next power of two."""
        return 1 << (self._samples(self.window) - 1).bit_length()

    @cached_property
    def bank(self) -> np.ndarray:
        return filters(self.mels, self.fft, self.rate)

    def __call__(self, wave: np.ndarray) -> np.ndarray:
        """A recording (N,) as (T, mels) float32: the log of each band's power in each window.

        Every recording is first brought to the same level (root mean square 1), since how loud it was recorded
        says nothing of what was said. A window's worth of it or less gives one step.
        """
        from scipy.fft import rfft

        window, hop = self._samples(self.window), self._samples(self.hop)
        steps = 1 + max(0, -(-(len(wave) - window) // hop))
        level = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) or 1.0  # silence stays silence
        padded = np.zeros((steps - 1) * hop + window)
        padded[: len(wave)] = wave / level
        frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]  # (T, window)
        power = np.abs(rfft(frames * _hann(window), self.fft)) ** 2  # (T, fft/2 + 1)
        logarithm = np.log(np.maximum(power @ self.bank.T, FLOOR))
        if self.centre:
            logarithm -= logarithm.mean(0)
        return np.asarray(logarithm, np.float32)


def _hann(size: int) -> np.ndarray:
    from scipy.signal.windows import hann

    return np.asarray(hann(size, sym=False))
