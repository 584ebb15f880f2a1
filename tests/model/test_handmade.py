"""Features worked out by hand; only the linear layer learns; no padding shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from overcast.model import handmade
from overcast.model.handmade import BINS, COLOURS, Handmade
from overcast.spec import Spec

IMAGE = Spec("image", (3, 32, 32), ("a", "b"))
SEQUENCE = Spec("sequence", (6, 2), ("a", "b"))
TOKENS = Spec("tokens", (6,), ("a", "b"), vocabulary=("x", "y", "z"))


@pytest.mark.parametrize(
    ("picture", "direction"),
    [
        (torch.arange(32.0).expand(32, 32), 0),  # brighter to the right
        (torch.arange(32.0, 0, -1).expand(32, 32), 0),  # and to the left: the same direction
        (torch.arange(32.0)[:, None].expand(32, 32), BINS / 2),  # brighter downwards: between bins 4 and 5
        (torch.arange(32.0)[:, None] + torch.arange(32.0), BINS / 4),  # to the lower right
    ],
)
def test_a_ramp_votes_for_its_direction(picture: torch.Tensor, direction: float) -> None:
    found = handmade.oriented_gradients(picture[None], 4).view(9, BINS, 4)  # as unfold lays them out
    votes = found[4].sum(1)  # the block in the middle
    lower = int(direction)
    expected = torch.zeros(BINS)
    expected[lower], expected[(lower + 1) % BINS] = 1 - (direction - lower), direction - lower
    assert set(votes.nonzero().flatten().tolist()) == set(expected.nonzero().flatten().tolist())
    assert torch.allclose(found.flatten(1).norm(dim=1), torch.ones(9), atol=1e-4)


def test_brightness_and_contrast_change_no_direction() -> None:
    picture = torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0))
    first, second = (handmade.oriented_gradients(each, 8) for each in (picture, 3 * picture + 5))
    assert torch.allclose(first, second, atol=1e-4)
    assert not handmade.oriented_gradients(torch.ones(1, 32, 32), 8).abs().gt(1e-3).any()  # nothing to see


def test_colours_are_shares_of_each_channel() -> None:
    x = torch.full((1, 2, 4, 4), -9.0)
    x[0, 1] = 0.1
    found = handmade.colours(x).view(2, COLOURS)
    assert found[0].tolist() == [1] + [0] * (COLOURS - 1)
    assert found[1].tolist() == [0.0] * 4 + [1.0] + [0.0] * 3
    assert torch.allclose(handmade.colours(torch.randn(3, 3, 9, 9)).sum(1), torch.tensor(3.0))


def test_statistics_against_numpy_whatever_the_padding() -> None:
    x = torch.randn(1, 5, 2, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([x, torch.zeros(1, 3, 2)], 1)
    found = handmade.statistics(padded, torch.tensor([5]))[0].numpy()
    values = x[0].numpy()
    steps = np.abs(np.diff(values, axis=0)).mean(0)
    assert found == pytest.approx(np.concatenate([values.mean(0), values.std(0), steps]), abs=1e-4)
    assert torch.isfinite(handmade.statistics(x[:, :1], torch.tensor([1]))).all()


def test_words_are_counted_and_padding_is_not() -> None:
    found = handmade.words(torch.tensor([[2, 3, 2, 0, 0]]), 5)[0]
    twice, once = 1 + np.log(2), 1.0
    length = np.hypot(twice, once) / np.sqrt(10)
    assert found.tolist() == pytest.approx([0, 0, twice / length, once / length, 0])


@pytest.mark.parametrize("spec", [IMAGE, SEQUENCE, TOKENS])
def test_only_the_linear_layer_learns(spec: Spec) -> None:
    net = Handmade(spec)
    assert [name for name, _ in net.named_parameters()] == ["layers.2.weight", "layers.2.bias"]
    x = torch.ones(4, 6, dtype=torch.long) if spec.kind == "tokens" else torch.randn(4, *spec.shape)
    assert net(x, torch.full((4,), 6)).shape == (4, 2)


@pytest.mark.parametrize("side", [8, 28, 64])
def test_any_size_of_picture(side: int) -> None:
    spec = Spec("image", (1, side, side), ("a", "b"))
    assert Handmade(spec)(torch.randn(2, 1, side, side), torch.full((2,), side)).shape == (2, 2)
