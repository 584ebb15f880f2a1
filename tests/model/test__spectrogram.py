"""Convolutions over bands and time: against torch's own on a picture, and padding that never shows."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from overcast.model._spectrogram import SpectrogramEncoder, normed_maps


def test_without_padding_it_is_convolutions_on_a_picture() -> None:
    encoder = SpectrogramEncoder(10, [3, 5], "none")
    x = torch.randn(2, 8, 10)
    first, second = encoder.convolutions
    picture = F.max_pool2d(first(x[:, None]).relu(), 2)
    picture = second(picture).relu()  # (B, 5, 4, 5)
    steps, length = encoder(x, torch.tensor([8, 8]))
    assert steps.allclose(torch.stack([picture[:, :, t].flatten(1) for t in range(4)], 1), atol=1e-6)
    assert length.tolist() == [4, 4]
    assert encoder.features == 25


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("bands", [7, 8])
@pytest.mark.parametrize("true", [1, 2, 5, 16, 23])
def test_a_recording_alone_and_padded_in_a_batch_are_one(true: int, bands: int, norm: str) -> None:
    encoder = SpectrogramEncoder(bands, [2, 4, 3], norm)
    x, length = torch.randn(3, 40, bands), torch.tensor([40, true, 31])
    encoder(x, length)  # the running mean of a norm is then not zero
    encoder.eval()
    alone, steps = encoder(x[1:2, :true], length[1:2])
    for x[1, true:] in (0.0, 9.0):
        together, lengths = encoder(x, length)
        assert together.shape == (3, 10, encoder.features)
        assert lengths[1] == steps[0] == alone.shape[1]
        assert together[1, : alone.shape[1]].allclose(alone[0], atol=1e-6)
        assert not together[1, alone.shape[1] :].any()


def test_norm_learns_from_the_true_steps_alone() -> None:
    maps, length = torch.randn(2, 3, 6, 4), torch.tensor([6, 2])
    maps[1, :, 2:] = 1e3
    norm = nn.BatchNorm1d(3)
    normalised = normed_maps(maps, length, norm)
    true = torch.cat([normalised[0].flatten(1), normalised[1, :, :2].flatten(1)], 1)  # (C, values)
    assert true.mean(1).allclose(torch.zeros(3), atol=1e-5)
    assert true.std(1, correction=0).allclose(torch.ones(3), atol=1e-3)
    assert not normalised[1, :, 2:].any()
    alone = nn.BatchNorm2d(3)  # torch's own, where there is no padding
    assert normed_maps(maps[:1], length[:1], nn.BatchNorm1d(3)).allclose(alone(maps[:1]), atol=1e-5)
