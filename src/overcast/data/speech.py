"""Spoken digits: 3,000 recordings of 0 to 9 by six speakers, of whom the mirror has five; 8 kHz, half a second each.

Source: GitHub ``Jakobovski/free-spoken-digit-dataset`` (CC BY-SA 4.0). A split never cuts a speaker, so with five folds
each test part is a speaker whom the network has not heard; ``split.random=true`` shows what hearing them is worth.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import PositiveFloat

from overcast.data import DataSet, Sample
from overcast.prepare import sounds
from overcast.spec import Kind

COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
URL = f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{COMMIT}.zip"
MANIFEST = Path(__file__).with_suffix(".sha256")
WANTED = re.compile(r"[^/]+/recordings/(\d_[a-z]+_\d+\.wav)")
RATE = 8000  # Hz


class Speech(DataSet):
    """Log-mel features (T, mels) of each recording, at one level; see `overcast.prepare.sounds.LogMel`.

    Options: mels, how many bands; window and hop in milliseconds; centre, each band less its mean over the
    recording, since a voice that the network has not heard differs in it from those that it has; seconds, the
    longest recording that is read.
    """

    kind: ClassVar[Kind] = "sequence"
    folds: ClassVar[int] = 5

    def __init__(
        self,
        mels: sounds.Bands = 40,
        window: sounds.Milliseconds = 25,
        hop: sounds.Milliseconds = 10,
        centre: bool = False,
        seconds: PositiveFloat = 5,
    ) -> None:
        self.features = sounds.LogMel(RATE, mels, window, hop, centre)
        self.seconds = seconds

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        from overcast.prepare import fetch

        archive = fetch.archive(URL, mirror, "spoken_digits.zip", raw)
        fetch.unpack(archive, raw, wanted)
        archive.unlink()
        fetch.verify(raw, MANIFEST)

    def samples(self, raw: Path) -> list[Sample]:
        samples = []
        for path in sorted(raw.glob("*.wav")):
            digit, speaker, _ = path.stem.split("_")
            samples.append(Sample(path.name, digit, group=speaker))
        return samples

    def read(self, path: Path) -> np.ndarray:
        return self.features(sounds.read(path, RATE, self.seconds))


def wanted(member: str) -> str | None:
    """``<archive>/recordings/3_theo_7.wav`` → ``3_theo_7.wav``; None for what is left out."""
    match = WANTED.fullmatch(member)
    return match and match[1]
