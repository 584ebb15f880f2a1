"""Augmentation: each kind does what it says, zero is nothing at all, and the draws are the generator's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.core.seeding import generator
from overcast.mitigation import Batch
from overcast.mitigation.augmentation import Augmentation, light, mirror, place
from overcast.prediction.build import build_mitigations

TARGET = "overcast.mitigation.augmentation.Augmentation"
NOTHING = {"flip": 0.0, "shift": 0.0, "zoom": 0.0, "brightness": 0.0, "contrast": 0.0}


def pictures(number: int = 16, side: int = 8) -> Tensor:
    return torch.randn(number, 3, side, side, generator=generator("pictures"))


def changed(x: Tensor, *key: int | str, **options: float) -> Tensor:
    batch = Batch(x, torch.arange(len(x)), torch.full((len(x),), x.shape[2]), len(x))
    after = Augmentation(**{**NOTHING, **options}).batch(batch, generator(*key))
    assert after.y.equal(batch.y)
    assert after.length.equal(batch.length)
    assert after.x.shape == x.shape
    assert after.x.dtype == x.dtype
    return after.x


def test_zero_is_nothing_bit_for_bit() -> None:
    assert changed(pictures()).equal(pictures())


@pytest.mark.parametrize("option", NOTHING)
def test_each_option_changes_pictures_as_its_key_says(option: str) -> None:
    x = pictures()
    once, again, other = (changed(x, key, **{option: 0.5}) for key in ("a", "a", "b"))
    assert once.equal(again)
    assert not once.equal(other)
    assert not once.equal(x)


def test_flip_is_a_mirror_image_for_its_share_of_the_pictures() -> None:
    x = pictures(1000)
    assert changed(x, flip=1.0).equal(x.flip(-1))
    flipped = (changed(x, flip=0.3) != x).flatten(1).any(1)
    assert flipped.float().mean() == pytest.approx(0.3, abs=0.05)
    assert mirror(x, 0.5, torch.linspace(-1, 0.999, 1000))[:499].equal(x[:499].flip(-1))


def test_place_moves_and_zooms() -> None:
    x = torch.zeros(1, 1, 8, 8)
    x[0, 0, 2, 2] = 1.0
    moved = place(x, 0.25, 0.0, torch.tensor([[0.0, 1.0, -1.0]]))  # by two pixels: from right and above
    assert moved[0, 0, 4, 0] == pytest.approx(1.0, abs=1e-6)
    smooth = torch.linspace(-1, 1, 8).expand(2, 1, 8, 8)
    larger, smaller = place(smooth, 0.0, 1.0, torch.tensor([[-1.0, 0, 0], [1.0, 0, 0]]))
    assert larger[0, 0, 1:7].diff().mean() == pytest.approx(1 / 7, abs=1e-5)  # half the picture fills it
    assert smaller[0, 0, 3:5].diff() == pytest.approx(4 / 7, abs=1e-5)


def test_place_reflects_at_the_edges_and_adds_nothing() -> None:
    x = pictures()
    placed = changed(x, shift=0.3, zoom=0.5)
    assert placed.max() <= x.max()
    assert placed.min() >= x.min()
    assert changed(torch.ones(4, 3, 8, 8), shift=0.3, zoom=0.5) == pytest.approx(1.0, abs=1e-6)


def test_light_adds_and_stretches_within_its_bounds() -> None:
    x, u = pictures(2), torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    lit = light(x, 0.4, 0.5, u)
    assert lit[0].allclose(x[0] + 0.4)
    assert lit[1].mean().isclose(x[1].mean(), atol=1e-6)
    assert lit[1].std().isclose(x[1].std() / 2)


def test_one_options_draws_do_not_move_anothers() -> None:
    x = pictures()
    alone, together = changed(x, flip=0.5), changed(x, flip=0.5, brightness=0.3)
    shift = (together - alone).flatten(1)
    assert shift.allclose(shift[:, :1], atol=1e-6)


@pytest.mark.parametrize("option", ["flip=7", "flip=-0.1", "shift=2", "zoom=-1", "brightness=-1", "contrast=2"])
def test_impossible_strengths_are_refused(option: str) -> None:
    name, value = option.split("=")
    with pytest.raises(UserError, match=f"augmentation.{name}="):
        build_mitigations([Option("augmentation", TARGET, {name: float(value)})], "image")
