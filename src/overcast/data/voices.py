"""Voices: the digits 0 to 9, spoken by voices that a speech synthesiser makes up.

What: each voice is one of espeak-ng's speakers of English with one of its variants (formants, breath, creak), and a
pitch, a range of pitch and a speed of its own; it says every digit once, in a room, through a microphone and over noise
of its own. Recordings are brought to the same features as real ones, see ``data=speech``, which may start from what a
network learns here (``mitigation=synthetic_pretraining``).
Expected: without a real recording, 400 of them taught a narrow CNN to tell 71 % of the digits of two real speakers;
clean ones 47 %.
Cost: 250 voices a second on one core to draw, 80 kB each as wav files.

espeak-ng is free software (GPL 3) and an extra: pip install --constraint constraints.txt --editable ".[voices]".

    python pipelines/train.py data=voices model=cnn "mitigation=[spectrogram_augmentation,batch_norm]"
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from overcast.core.errors import UserError
from overcast.core.process_pool import in_fresh_processes
from overcast.core.progress import open_bar
from overcast.core.spec import Kind
from overcast.data import DataSet, Sample, _front_ends
from overcast.data._front_ends import FrontEnd
from overcast.readers import audio

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS = ("en-us", "en-us-nyc", "en", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-gb-x-rp", "en-029")
ODD = ("robo", "demonic", "storm", "tweaky", "serious", "whisper")
"""Parts of the names of variants that no person sounds like."""
SYNCHRONOUS, DO_NOT_EXIT, UTF8 = 2, 0x8000, 1
SPEED, PITCH, RANGE = 1, 3, 4
"""Numbers of espeak's speak_lib.h: how to speak, and which parameters."""
LONGEST = 10.0  # seconds
ECHO, FIRST_ECHO, SILENCE = 0.3, 0.002, 0.15
"""Seconds: after which no echo is heard, before which none is, and of silence before and after a word."""


class Voices(DataSet):
    """``n_voices`` voices, each a source group of ten recordings; the first ones are the same whatever their number.

    Options: rate in Hz of the recordings; n_mels and what follows: as of ``data=speech``.
    """

    kind: ClassVar[Kind] = "spectrogram"
    synthetic: ClassVar[bool] = True
    raw_options: ClassVar[tuple[str, ...]] = ("n_voices", "seed", "rate")

    def __init__(
        self,
        n_voices: Annotated[int, Field(ge=10, le=100_000)] = 350,
        seed: Annotated[int, Field(ge=0)] = 0,
        rate: audio.Rate = 8000,
        n_mels: audio.Bands = 40,
        window: audio.Milliseconds = 25,
        hop: audio.Milliseconds = 10,
        subtract_mean: bool = False,
        top_db: audio.Decibels | None = 40,
        trim_db: audio.Decibels | None = 20,
        standardize: bool = True,
        front_end: FrontEnd = "log_mel",
    ) -> None:
        self.n_voices, self.seed, self.rate = n_voices, seed, rate
        log_mel = audio.LogMel(rate, n_mels, window, hop, subtract_mean, top_db, trim_db, standardize)
        self.features = _front_ends.front_end(front_end, log_mel)
        self.front_end = _front_ends.needed_by_network(self.features)

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        # in a process of its own: what espeak says depends on all that it has said before
        speak = partial(record, n_voices=self.n_voices, seed=self.seed, rate=self.rate)
        try:
            list(in_fresh_processes(1, speak, [raw]))
        except BrokenProcessPool:
            raise UserError("The process in which espeak-ng speaks died, out of memory perhaps: run again.") from None

    def samples(self, raw: Path) -> list[Sample]:
        return [Sample(path.name, path.stem[0], group=path.stem[2:]) for path in sorted(raw.glob("*.wav"))]

    def read(self, path: Path) -> np.ndarray:
        return self.features(audio.read_audio(path, self.features.rate, LONGEST))


def record(raw: Path, n_voices: int, seed: int, rate: int) -> None:
    """Write ``<digit>_<voice>.wav`` of each digit and voice, at ``rate`` Hz; in a process that has not spoken yet."""
    import soundfile
    from scipy.signal import resample_poly

    synthesizer = Synthesizer()
    for number in open_bar(range(n_voices), desc="recording voices", unit="voice", delay=2, disable=None):
        rng = np.random.default_rng([seed, number])
        voice = f"{rng.choice(SPEAKERS)}+{rng.choice(synthesizer.variants)}"
        pitch, pitch_range, speed = rng.integers((10, 20, 130), (90, 80, 300))
        recorded = draw_room(rng, rate)
        for digit, word in enumerate(WORDS):
            wave = synthesizer.say(word, voice, int(pitch), int(pitch_range), int(speed))
            wave = recorded(resample_poly(wave, rate, synthesizer.rate))  # which cancels what both can be divided by
            soundfile.write(raw / f"{digit}_{number:05d}.wav", wave * (0.5 / np.abs(wave).max()), rate)


def draw_room(rng: np.random.Generator, rate: int) -> Callable[[np.ndarray], np.ndarray]:
    """How a voice (N,) sounds in a room, through a microphone and over noise, with a silence before and after.

    Echoes fade exponentially (Polack 1988), to 1/e in 20 to 120 ms, at up to 0.6 times the voice's level; the
    microphone is dull or shrill, by up to 12 dB from the lowest to the highest frequency; the noise, from hiss to
    rumble, is 12 to 45 dB below the voice where it speaks.
    """
    from scipy.signal import fftconvolve, lfilter

    fade, echo, tone = rng.uniform((0.02, 0.0, -0.6), (0.12, 0.6, 0.6))
    below, rumble = rng.uniform((12, -0.5), (45, 0.95))  # decibels; the pole of the noise
    time = np.arange(round(ECHO * rate)) / rate
    response = rng.normal(size=len(time)) * np.exp(-time / fade) * (time >= FIRST_ECHO)
    response *= echo / np.linalg.norm(response)
    response[0] = 1.0

    def recorded(wave: np.ndarray) -> np.ndarray:
        wave = np.pad(wave / (np.abs(wave).max() or 1.0), round(SILENCE * rate))
        wave = lfilter([1.0, -tone], [1.0], fftconvolve(wave, response)[: len(wave)])
        speaking = np.abs(wave) > 0.05 * np.abs(wave).max()
        noise = lfilter([1.0], [1.0, -rumble], rng.normal(size=len(wave)))
        level = np.sqrt(np.mean(np.square(wave[speaking]))) if speaking.any() else 1.0
        heard: np.ndarray = wave + noise * (level / noise.std() * 10 ** (-below / 20))
        return heard

    return recorded


class Synthesizer:
    """espeak-ng, by ctypes. rate: of what it says, in Hz. variants: of voices that might be a person's, sorted.

    Raises: UserError if it is not installed, or does not start.
    """

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError:
            raise UserError(
                "synthetic voices need the extra `voices`, which brings espeak-ng: "
                'run pip install --constraint constraints.txt --editable ".[voices]"'
            ) from None
        data = Path(espeakng_loader.get_data_path())
        names = sorted(path.name for path in (data / "voices" / "!v").iterdir())
        self.variants = [name for name in names if not any(odd in name.lower() for odd in ODD)]
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._heard: list[np.ndarray] = []
        callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self._callback = callback(self._hear)  # kept: C does not hold it
        self.rate: int = self._library.espeak_Initialize(SYNCHRONOUS, 0, str(data).encode(), DO_NOT_EXIT)
        if self.rate <= 0:
            raise UserError(f"espeak-ng does not start with its data in {data}: install the extra `voices` again.")
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # else the time of day
        self._library.espeak_SetSynthCallback(self._callback)

    def _hear(self, wave: ctypes._Pointer[ctypes.c_short], number: int, _: int | None) -> int:
        if wave and number > 0:
            self._heard.append(np.ctypeslib.as_array(wave, (number,)).copy())
        return 0  # go on

    def say(self, word: str, voice: str, pitch: int, pitch_range: int, speed: int) -> np.ndarray:
        """The word as (N,) float64. pitch, pitch_range: 0 to 100. speed: words a minute."""
        self._heard.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise UserError(f"espeak-ng has no voice {voice}: install the extra `voices` again.")
        for parameter, value in ((SPEED, speed), (PITCH, pitch), (RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        text = word.encode() + b"\0"
        self._library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, UTF8, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate(self._heard).astype(np.float64)
