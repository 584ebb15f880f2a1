"""Cutout: one square is blanked, of its size, wherever; the rest stays bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from overcast.core.errors import UserError
from overcast.core.seeding import generator
from overcast.mitigation import Batch
from overcast.mitigation.cutout import Cutout, boxes


def test_box_has_its_size_and_is_cut_off_at_the_edge() -> None:
    inside, corner, none = boxes(8, 16, torch.tensor([0.5, 0.5, 0.0]), torch.tensor([[0.5, 0.5], [0, 0], [0.5, 0.5]]))
    expected = torch.zeros(8, 16, dtype=torch.bool)
    expected[2:6, 4:12] = True
    assert inside.equal(expected)
    expected[:] = False
    expected[:2, :4] = True
    assert corner.equal(expected)
    assert not none.any()


def test_blanks_a_square_of_every_picture_and_nothing_else(pictures: Batch) -> None:
    changed = Cutout(0.5).batch(pictures, generator("cut"))
    blank = (changed.x == 0).all(1)  # (B, H, W)
    assert torch.where(blank[:, None], changed.x, pictures.x).equal(changed.x)
    assert ((blank.sum((1, 2)) >= 16) & (blank.sum((1, 2)) <= 64)).all()  # a quarter of it when in a corner
    assert blank.any((1, 2)).all()
    for mask in blank:  # one rectangle: rows times columns
        assert mask.equal(mask.any(1)[:, None] & mask.any(0)[None])
    assert blank.float().mean(0).min() > 0  # anywhere
    assert changed.y.equal(pictures.y)


def test_draws_are_the_generators(pictures: Batch) -> None:
    once, again, other = (Cutout().batch(pictures, generator(key)).x for key in "aab")
    assert once.equal(again)
    assert not once.equal(other)


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=cutout", "mitigation.cutout.size=0.0")


@pytest.mark.parametrize("size", [-0.1, 1.1])
def test_out_of_range_is_refused(built: Any, size: float) -> None:
    with pytest.raises(UserError, match=rf"mitigation\.cutout\.size={size}: must be at least 0 and at most 1$"):
        built(Cutout, size=size)
