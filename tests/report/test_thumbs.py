"""Samples as small pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from overcast.prepare.pack import open_pack
from overcast.report.thumbs import SIDE, contact, sized, thumb


def test_a_picture_is_as_packed(data: Path) -> None:
    pack = open_pack(data, "skies")
    assert (thumb(pack, 3) == pack.values[3].transpose(1, 2, 0)).all()
    assert sized(thumb(pack, 3)).shape == (SIDE, SIDE, 3)


def test_a_sequence_has_time_to_the_right(data: Path) -> None:
    pack = open_pack(data, "waves")
    x, length = pack.gather(np.array([8]))
    found = thumb(pack, 8)
    assert found.shape == (2, length[0], 3)
    bright = found.sum(-1, dtype=int)[::-1].T  # (T, F)
    assert np.unravel_index(bright.argmax(), bright.shape) == np.unravel_index(x[0].argmax(), x[0].shape)


def test_a_contact_sheet_has_each_in_its_place(data: Path) -> None:
    pack = open_pack(data, "skies")
    sheet = contact(pack, np.array([5, 6, 7]), columns=2)
    assert sheet.shape == (2 * (SIDE + 4), 2 * (SIDE + 4), 3)
    assert (sheet[SIDE + 4 :, :SIDE][:SIDE] == sized(thumb(pack, 7))).all()
    assert (sheet[SIDE + 4 :, SIDE + 4 :] == 255).all()
