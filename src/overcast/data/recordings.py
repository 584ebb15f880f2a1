r"""Anyone's recordings: a folder with one sub-folder of sound files (wav, flac, ogg, mp3) a class, named so.

``python pipelines/download.py data=recordings data.path=/birdsong 'data.group="^(\w+?)_"'``
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import PositiveFloat

from overcast.data import DataSet, Name, Sample
from overcast.errors import UserError
from overcast.prepare import folders, sounds
from overcast.spec import Kind


class Recordings(DataSet):
    """Log-mel features (T, mels) of each recording, at one level; see `overcast.prepare.sounds.LogMel`.

    Options: path of the folder; group, a regular expression whose first group, searched in a file's name, is what
    a split must not cut (a speaker, a day), null for nothing; rate in Hz that every recording is brought to; mels,
    how many bands; window and hop in milliseconds; centre, each band less its mean over the recording, where what
    is always there is the microphone's or the voice's and not the class's; seconds, the longest that is read.
    """

    kind: ClassVar[Kind] = "sequence"
    raw_options: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        path: Name,
        group: str | None = None,
        rate: sounds.Rate = 16_000,
        mels: sounds.Bands = 40,
        window: sounds.Milliseconds = 25,
        hop: sounds.Milliseconds = 10,
        centre: bool = False,
        seconds: PositiveFloat = 30,
    ) -> None:
        self.path = path
        self.group = _expression(group) if group is not None else None
        self.features = sounds.LogMel(rate, mels, window, hop, centre)
        self.seconds = seconds

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        folders.copy_classes(self.path, raw, "recordings")

    def samples(self, raw: Path) -> list[Sample]:
        files = folders.files_of_classes(raw)
        return [Sample(file.relative_to(raw).as_posix(), label, self._source(file.name)) for file, label in files]

    def _source(self, name: str) -> str:
        if self.group is None:
            return ""
        found = self.group.search(name)
        if found is None or not found[1]:
            raise UserError(
                f"data.group={self.group.pattern} finds no source in the name {name}: correct it, or rename the file."
            )
        return found[1]

    def read(self, path: Path) -> np.ndarray:
        return self.features(sounds.read(path, self.features.rate, self.seconds))


def _expression(text: str) -> re.Pattern[str]:
    try:
        found = re.compile(text)
    except re.error as error:
        raise UserError(f"data.group={text}: not a regular expression ({error}).") from None
    if not found.groups:
        raise UserError(f"data.group={text}: put what is the source in parentheses, as in ^([a-z]+)_")
    return found
