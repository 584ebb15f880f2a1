"""Samples of a pack as a person looks at them: small pictures, spectrograms to listen to, texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from overcast.core.errors import UserError
from overcast.core.words import translate
from overcast.data import DataSet, Sample
from overcast.html.page import Image, Row, Sound
from overcast.html.thumbnails import contact_sheet, thumbnail
from overcast.prepare.pack import Pack
from overcast.readers.audio import wav_excerpt
from overcast.readers.remarks import collected_remarks

SHOW = 96  # pixels of one picture beside another
SPECTROGRAM = 200  # pixels wide, as what plays the sound below needs
SECONDS, FASTEST = 4.0, 16_000
"""Of a recording that is played on the page, at most so long and so many samples a second."""
ALL_SOUNDS = 8 << 20
"""Bytes of all recordings on a page together; further ones are shown without their sound."""
LONGEST = 300  # signs of a text


def thumb(pack: Pack, row: int, side: int, width: int | None = None) -> np.ndarray:
    """A row of the pack as (side, width, 3) uint8, a square if not said otherwise."""
    return thumbnail(_sample(pack, row), side, width)


def contact(pack: Pack, rows: Iterable[int], columns: int) -> np.ndarray:
    """These rows as one picture, on white."""
    return contact_sheet([_sample(pack, row) for row in rows], columns)


def words(pack: Pack, row: int) -> str:
    """The words of a sample of tokens, as the pack has them."""
    return " ".join(pack.spec.decode(_sample(pack, row)))


def cut_text(text: str) -> str:
    """The beginning of a long text, and how long it is."""
    if len(text) <= LONGEST:
        return text
    return translate("{beginning}… ({number:,} characters)", beginning=text[:LONGEST].rstrip(), number=len(text))


def _sample(pack: Pack, row: int) -> np.ndarray:
    sample: np.ndarray = pack.gather(np.array([row]))[0][0]
    return sample


@dataclass
class Views:
    """Shows rows of a pack. raw: where its raw files are. dataset: reads their words; None for those of the pack."""

    pack: Pack
    raw: Path
    dataset: DataSet | None = None
    sound_bytes: int = field(default=0, init=False)

    def text(self, row: int) -> str:
        """A text in its own words where its raw file is here, in those of the pack where not; a long one cut."""
        file, label = (str(self.pack.index[column][row]) for column in ("file", "label"))
        own = None
        if self.dataset is not None:
            try:
                with collected_remarks():
                    own = " ".join(str(word) for word in self.dataset.load(self.raw, Sample(file, label)))
            except (UserError, OSError, LookupError, ValueError):
                own = None  # the raw files are gone, or are no longer those that were packed
        return cut_text(own if own is not None else words(self.pack, row))

    def row(self, rows: Sequence[int], lines: Sequence[str], file: str) -> Row:
        """Rows side by side as pictures, with their sounds, over lines of text. file: how the pictures' names begin."""
        images = [self._image(row, f"{file}{'ab'[number]}.png") for number, row in enumerate(rows)]
        sounds = [sound for row in rows if (sound := self._sound(row)) is not None]
        return Row(images, lines, sounds)

    def _image(self, row: int, file: str) -> Image:
        width = SPECTROGRAM if self.pack.spec.kind == "spectrogram" else SHOW
        return Image.from_array(file, thumb(self.pack, row, SHOW, width), width)

    def _sound(self, row: int) -> Sound | None:
        """What was recorded, where that is here, can be played, and the page has room for it."""
        if self.pack.spec.kind != "spectrogram" or self.sound_bytes > ALL_SOUNDS:
            return None
        try:
            with collected_remarks():
                wav = wav_excerpt(self.raw / str(self.pack.index["file"][row]), FASTEST, SECONDS)
        except (UserError, OSError):
            return None
        self.sound_bytes += len(wav)
        return Sound(wav)
