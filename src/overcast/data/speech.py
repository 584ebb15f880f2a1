"""Spoken digits: 3,000 recordings of 0 to 9 by six speakers, of whom the mirror has five; 8 kHz, half a second each.

Source: GitHub ``Jakobovski/free-spoken-digit-dataset`` (CC BY-SA 4.0). A split never cuts a speaker, so with five folds
each test part is a speaker whom the network has not heard; ``split.ignore_groups=true`` shows what that is worth.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import PositiveFloat

from overcast.core.spec import Kind
from overcast.data import DataSet, Sample, _front_ends
from overcast.data._front_ends import FrontEnd
from overcast.fetch.archives import fetch_archive
from overcast.fetch.manifest import verify
from overcast.readers import audio

COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
URL = f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{COMMIT}.zip"
MANIFEST = Path(__file__).with_suffix(".sha256")
MEMBERS = re.compile(r"[^/]+/recordings/(\d_[a-z]+_\d+\.wav)")
"""Which files of the archive are kept, and where: ``<archive>/recordings/3_theo_7.wav`` → ``3_theo_7.wav``."""
RATE = 8000  # Hz


class Speech(DataSet):
    """Log-mel features (T, mels) of the active part of each recording; see `overcast.readers.audio.LogMel`.

    Options: n_mels, how many bands; window and hop in milliseconds; subtract_mean, each band less its mean over the
    recording; top_db, how far below the loudest band the floor is; trim_db, how far below the highest level a step at
    either end is left out; standardize, each recording to mean 0 and standard deviation 1; seconds, the longest
    recording that is read.
    """

    kind: ClassVar[Kind] = "spectrogram"
    folds: ClassVar[int] = 5

    def __init__(
        self,
        n_mels: audio.Bands = 40,
        window: audio.Milliseconds = 25,
        hop: audio.Milliseconds = 10,
        subtract_mean: bool = False,
        top_db: audio.Decibels | None = 40,
        trim_db: audio.Decibels | None = 20,
        standardize: bool = True,
        front_end: FrontEnd = "log_mel",
        seconds: PositiveFloat = 5,
    ) -> None:
        log_mel = audio.LogMel(RATE, n_mels, window, hop, subtract_mean, top_db, trim_db, standardize)
        self.features = _front_ends.front_end(front_end, log_mel)
        self.front_end = _front_ends.needed_by_network(self.features)
        self.seconds = seconds

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        fetch_archive(URL, mirror, "spoken_digits.zip", raw, MEMBERS)
        verify(raw, MANIFEST)

    def samples(self, raw: Path) -> list[Sample]:
        samples = []
        for path in sorted(raw.glob("*.wav")):
            digit, speaker, _ = path.stem.split("_")
            samples.append(Sample(path.name, digit, group=speaker))
        return samples

    def read(self, path: Path) -> np.ndarray:
        return self.features(audio.read_audio(path, self.features.rate, self.seconds))
