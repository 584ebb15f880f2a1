"""Rows of a pack as small pictures and as words."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from overcast.audit.thumbnails import contact, thumb, words
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
