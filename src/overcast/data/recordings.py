r"""Anyone's recordings: a folder with one sub-folder of sound files (wav, flac, ogg, mp3) a class, named so.

``python pipelines/download.py data=recordings data.path=/birdsong 'data.group="^(\w+?)_"'``
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import PositiveFloat

from overcast.core.errors import UserError
from overcast.core.spec import Kind
from overcast.data import DataSet, Name, Sample, _folders, _front_ends
from overcast.data._front_ends import FrontEnd
from overcast.readers import audio


class Recordings(DataSet):
    """Log-mel features (T, mels) of each recording, at one level; see `overcast.readers.audio.LogMel`.

    Options: path of the folder; group, a regular expression whose first group, searched in a file's name, is what
    a split must not cut (a speaker, a day), null for nothing; rate in Hz that every recording is brought to; n_mels,
    how many bands; window and hop in milliseconds; subtract_mean, each band less its mean over the recording, where
    what is always there is the microphone's or the voice's and not the class's; top_db, how far below the loudest band
    the floor is; trim_db, how far below the highest level a step at either end is left out; standardize, each recording
    to mean 0 and standard deviation 1; seconds, the longest that is read.
    """

    kind: ClassVar[Kind] = "spectrogram"
    raw_options: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        path: Name,
        group: str | None = None,
        rate: audio.Rate = 16_000,
        n_mels: audio.Bands = 40,
        window: audio.Milliseconds = 25,
        hop: audio.Milliseconds = 10,
        subtract_mean: bool = False,
        top_db: audio.Decibels | None = None,
        trim_db: audio.Decibels | None = None,
        standardize: bool = False,
        front_end: FrontEnd = "log_mel",
        seconds: PositiveFloat = 30,
    ) -> None:
        self.path = path
        self.group = _expression(group) if group is not None else None
        log_mel = audio.LogMel(rate, n_mels, window, hop, subtract_mean, top_db, trim_db, standardize)
        self.features = _front_ends.front_end(front_end, log_mel)
        self.front_end = _front_ends.needed_by_network(self.features)
        self.seconds = seconds

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        _folders.copy_classes(self.path, raw, "recordings")

    def samples(self, raw: Path) -> list[Sample]:
        samples = _folders.class_samples(raw)
        return [replace(sample, group=self._source(Path(sample.file).name)) for sample in samples]

    def _source(self, name: str) -> str:
        if self.group is None:
            return ""
        match = self.group.search(name)
        if match is None or not match[1]:
            raise UserError(
                f"data.group={self.group.pattern} finds no source in the name {name}: correct it, or rename the file."
            )
        return match[1]

    def read(self, path: Path) -> np.ndarray:
        return self.features(audio.read_audio(path, self.features.rate, self.seconds))


def _expression(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UserError(f"data.group={text}: not a regular expression ({error}).") from None
    if not pattern.groups:
        raise UserError(f"data.group={text}: put what is the source in parentheses, as in ^([a-z]+)_")
    return pattern
