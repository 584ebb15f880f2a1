"""Rows of a pack as small pictures, sounds and words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from overcast.audit import views
from overcast.audit.views import Views, contact, cut_text, thumb, words
from overcast.data.texts import Texts
from overcast.html.thumbnails import SIDE, SPACE, thumbnail
from overcast.prepare.pack import open_pack


def test_rows_are_those_of_the_pack(data: Path) -> None:
    pack = open_pack(data, "skies")
    assert (thumb(pack, 3, 16) == pack.values[3].transpose(1, 2, 0)).all()
    sheet = contact(pack, [5, 6, 7], columns=2)
    assert (sheet[SIDE + SPACE :][:SIDE, :SIDE] == thumbnail(pack.values[7])).all()


def test_a_text_is_its_words(data: Path) -> None:
    pack = open_pack(data, "verses")
    x, _ = pack.gather(np.array([4]))
    assert words(pack, 4).split() == pack.spec.decode(x[0])


def test_long_texts_are_cut_and_their_length_is_said() -> None:
    assert cut_text("short") == "short"
    assert cut_text("a" * 2000) == "a" * 300 + "… (2,000 characters)"


def test_without_raw_files_a_text_is_that_of_the_pack(data: Path, tmp_path: Path) -> None:
    pack = open_pack(data, "verses")
    assert Views(pack, tmp_path).text(4) == words(pack, 4)
    assert Views(pack, tmp_path, Texts("none.csv")).text(4) == words(pack, 4)


def test_sounds_on_a_page_are_bounded(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = open_pack(data, "chirps")
    assert not Views(pack, tmp_path).row([0], ["x"], "x").sounds  # there is no such file
    for file in pack.index["file"][:3]:
        soundfile.write(tmp_path / file, np.zeros(400_000), 48_000, format="WAV")
    shown = Views(pack, tmp_path)
    row = shown.row([0, 1], ["x"], "pair")
    assert [len(sound.wav) for sound in row.sounds] == [2 * 4 * 16_000 + 44] * 2  # four seconds at 16 kHz
    assert [(image.file, image.width) for image in row.images] == [("paira.png", 200), ("pairb.png", 200)]
    monkeypatch.setattr(views, "ALL_SOUNDS", 1000)
    assert not shown.row([2], ["x"], "x").sounds
