"""CutMix: a box comes from another picture of the batch, and the label's shares are the shares of the pixels."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from overcast.core.errors import UserError
from overcast.core.seeding import generator
from overcast.mitigation import Batch
from overcast.mitigation.cutmix import Cutmix


def test_labels_share_as_the_pixels_do(pictures: Batch) -> None:
    batch = pictures._replace(y=torch.arange(64), classes=64)  # each label tells its picture
    mixed = Cutmix(chance=1.0).batch(batch, generator("mix"))
    for i, (x, y) in enumerate(zip(mixed.x, mixed.y, strict=True)):
        others = [int(k) for k in y.nonzero().flatten() if k != i] or [i]
        assert len(others) == 1
        own, pasted = ((x == batch.x[k]).all(0) for k in (i, others[0]))  # (H, W)
        assert (own | pasted).all()
        assert y[i] == pytest.approx(own.float().mean().item())
        assert y.sum() == pytest.approx(1.0)
        box = ~own
        assert box.equal(box.any(1)[:, None] & box.any(0)[None])


def test_chance_is_the_share_of_pictures_pasted_into(pictures: Batch) -> None:
    batch = pictures._replace(x=pictures.x.repeat(20, 1, 1, 1), y=pictures.y.repeat(20))
    mixed = Cutmix(chance=0.5, alpha=100.0).batch(batch, generator("mix"))  # boxes of about half the picture
    pasted = (mixed.x != batch.x).flatten(1).any(1)
    assert pasted.float().mean() == pytest.approx(0.5, abs=0.05)
    assert mixed.y[~pasted].equal(batch.probabilities[~pasted])


def test_draws_are_the_generators(pictures: Batch) -> None:
    once, again, other = (Cutmix().batch(pictures, generator(key)).x for key in "aab")
    assert once.equal(again)
    assert not once.equal(other)


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=cutmix", "mitigation.cutmix.chance=0.0")


@pytest.mark.parametrize(("option", "value"), [("chance", -0.1), ("chance", 1.1), ("alpha", 0.0)])
def test_out_of_range_is_refused(built: Any, option: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"mitigation\.cutmix\.{option}={value}: must be "):
        built(Cutmix, **{option: value})
