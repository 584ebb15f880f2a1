"""Covering what a network looks at costs it probability, and covering anything else costs nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from overcast.explain import occlusion


def test_a_network_that_looks_at_one_corner_lights_up_that_corner(corner: nn.Module) -> None:
    fall = occlusion.picture(corner, torch.ones(1, 3, 24, 24), torch.tensor([24]), 1, positions=11)
    assert fall.shape == (24, 24)
    assert fall[:8, :8].min() > 0
    assert abs(fall[12:, :]).max() < 0.3 * fall[:8, :8].max()
    assert fall[16:, 16:] == pytest.approx(0)
    against = occlusion.picture(corner, torch.ones(1, 3, 24, 24), torch.tensor([24]), 0, positions=11)
    assert against == pytest.approx(-fall)


@pytest.mark.parametrize("side", [2, 8, 25])
@pytest.mark.parametrize("positions", [3, 15])
def test_windows_reach_from_edge_to_edge(side: int, positions: int) -> None:
    squares = occlusion.square_masks(side, side, positions)
    assert squares.any(0)[0][[0, -1]][:, [0, -1]].all()
    assert len({mask.sum() for mask in squares}) == 1
    spans = occlusion.span_masks(side, positions)
    assert spans[:, 0].any()
    assert spans[:, -1].any()


def test_the_value_of_a_place_is_the_mean_of_what_covers_it() -> None:
    masks = np.array([[1, 1, 0, 0], [0, 1, 1, 0]], bool)
    assert occlusion.mean_over_masks(np.array([0.2, 0.6]), masks) == pytest.approx([0.2, 0.4, 0.6, 0])


class Middle(nn.Module):
    """Says class 1 by feature 2 at the steps 8 to 11."""

    def forward(self, x: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        score = x[:, 8:12, 2].mean(1)
        return torch.stack([-score, score], 1)


def test_a_sequence_loses_by_its_moment_and_its_band() -> None:
    x, length = torch.ones(1, 20, 6), torch.tensor([20])
    moments, bands = (way(Middle(), x, length, 1, positions=20) for way in (occlusion.moments, occlusion.bands))
    assert (moments.shape, bands.shape) == ((20,), (6,))
    assert moments[8:12].min() > 0
    assert moments[:7] == pytest.approx(0)
    assert bands.argmax() == 2
    assert np.delete(bands, 2) == pytest.approx(0)


def test_a_sentence_loses_by_the_word_that_counts(saying: nn.Module) -> None:
    x = torch.tensor([[2, 5, 3, 4]])
    falls = occlusion.words(saying, x, torch.tensor([4]), 1, unknown=1)
    assert falls[1] == pytest.approx(torch.tensor([-3.0, 3.0]).softmax(0)[1].item() - 0.5)
    assert falls[[0, 2, 3]] == pytest.approx(0)


def test_a_word_alone_becomes_unknown(saying: nn.Module) -> None:
    assert occlusion.words(saying, torch.tensor([[5]]), torch.tensor([1]), 1, unknown=1)[0] > 0.4
