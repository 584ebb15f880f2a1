"""Features made by hand, against values worked out by hand; padding and order where they must not count."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
import torch

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.model.handmade import ANGLES, Handmade, histogram, oriented_gradients, statistics, words
from overcast.prediction.build import network_size

SEQUENCE = Spec("sequence", (12, 3), ("a", "b"))
TOKENS = Spec("tokens", (12,), ("a", "b"), vocabulary=tuple("abcd"))


def ramp(degrees: float, side: int = 16) -> torch.Tensor:
    """A picture (1, 1, side, side) that grows brighter in one direction, 0 being to the right and 90 down."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    turn = torch.tensor(degrees).deg2rad()
    return (x * turn.cos() + y * turn.sin())[None, None].float()


def inner(degrees: float) -> torch.Tensor:
    """The votes (ANGLES,) of one cell of a middle block, where the border is far."""
    return oriented_gradients(ramp(degrees, 32), 8)[0, 24, :].view(ANGLES, 4)[:, 0]


def test_an_upright_edge_votes_for_left_to_right() -> None:
    picture = torch.zeros(1, 1, 8, 8)
    picture[..., 4:] = 1
    for flipped in (picture, 1 - picture):  # from dark to light and back are one
        votes = oriented_gradients(flipped, 1).view(ANGLES)
        assert votes.tolist() == pytest.approx([1.0] + [0.0] * 8)
    assert not oriented_gradients(torch.ones(1, 3, 8, 8), 2).any()


@pytest.mark.parametrize(
    ("degrees", "shares"), [(0, {0: 1}), (40, {2: 1}), (70, {3: 0.5, 4: 0.5}), (170, {8: 0.5, 0: 0.5})]
)
def test_a_gradient_votes_for_its_two_nearest_directions(degrees: float, shares: dict[int, float]) -> None:
    votes = inner(degrees) / inner(degrees).sum()
    assert votes.tolist() == pytest.approx([shares.get(k, 0) for k in range(ANGLES)], abs=1e-3)


def test_blocks_have_length_one_whatever_the_contrast() -> None:
    x = torch.randn(2, 3, 32, 32)
    blocks = oriented_gradients(x, 8)
    assert blocks.shape == (2, 49, 36)
    assert blocks.norm(dim=2).numpy() == pytest.approx(np.ones((2, 49)), abs=1e-5)
    assert blocks.allclose(oriented_gradients(7 * x + 1, 8), atol=1e-4)


def test_the_channel_with_the_greatest_gradient_counts() -> None:
    x = torch.cat([ramp(0), 5 * ramp(90), torch.zeros(1, 1, 16, 16)], 1)
    assert oriented_gradients(x, 4).allclose(oriented_gradients(ramp(90), 4), atol=1e-5)


def test_flat_places_pass_a_gradient_that_is_a_number() -> None:
    picture = torch.zeros(1, 1, 8, 8)
    picture[..., 3:5] = 1
    oriented_gradients(picture.requires_grad_(), 4).sum().backward()
    assert picture.grad is not None
    assert picture.grad.isfinite().all()


def test_histograms_against_numpy() -> None:
    x = torch.randn(2, 3, 9, 7)
    histograms = histogram(x, 5)
    assert histograms.sum(2).numpy() == pytest.approx(np.ones((2, 3)), rel=1e-6)
    for b in range(2):
        for c in range(3):
            expected, _ = np.histogram(x[b, c].clamp(-1.999, 1.999), 5, (-2, 2))
            assert histograms[b, c].numpy() == pytest.approx(expected / 63)


def test_statistics_against_numpy_whatever_the_padding() -> None:
    x, length = torch.randn(2, 12, 3), torch.tensor([12, 5])
    x[1, 5:] = 9.0
    features = statistics(x, length)
    steps = x[1, :5].numpy()
    expected = np.concatenate([steps.mean(0), steps.std(0), np.abs(np.diff(steps, axis=0)).mean(0)])
    assert features[1].numpy() == pytest.approx(expected, abs=1e-4)
    assert features[1:].allclose(statistics(x[1:, :5], length[1:]), atol=1e-6)
    assert statistics(x[:, :1], torch.tensor([1, 1])).isfinite().all()


def test_words_by_hand_whatever_the_order_and_padding() -> None:
    features = words(torch.tensor([[2, 3, 2, 0], [3, 2, 2, 0]]), 6)
    long = sqrt(log(3) ** 2 + log(2) ** 2)
    assert features.tolist() == pytest.approx(np.array([[0, 0, log(3) / long, log(2) / long, 0, 0]] * 2))
    assert not words(torch.zeros(1, 3, dtype=torch.long), 6).any()


@pytest.mark.parametrize(
    ("spec", "width"),
    [
        (Spec("image", (3, 64, 64), ("a", "b")), 3 * 16 + 49 * 36),
        (Spec("image", (1, 8, 8), ("a", "b")), 16 + 9 * 36),
        (SEQUENCE, 9),
        (TOKENS, 6),
    ],
)
def test_all_weights_are_the_last_layers(spec: Spec, width: int) -> None:
    option = Option.from_dict({"_target_": "overcast.model.handmade.Handmade"})
    assert network_size(option, (), spec) == {"parameters": (width + 1) * 2, "multiply_adds": width * 2}


def test_norm_and_dropout_act_on_the_features() -> None:
    net = Handmade(SEQUENCE, norm="batch", dropout=0.5)
    x, length = torch.randn(8, 12, 3), torch.full((8,), 12)
    assert not net(x, length).equal(net(x, length))
    net.eval()
    assert net(x, length).equal(net(x, length))
