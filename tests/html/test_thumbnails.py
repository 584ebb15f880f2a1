"""Samples as pictures: the same for every page, whatever their channels and steps."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from overcast.html.thumbnails import SIDE, SPACE, contact_sheet, draw_sample, sample_pixels, thumbnail


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)


def test_a_picture_is_as_it_is() -> None:
    assert (sample_pixels(noise(3, 5, 4)) == noise(3, 5, 4).transpose(1, 2, 0)).all()
    grey = sample_pixels(noise(1, 5, 4))
    assert grey.shape == (5, 4, 3)
    assert (grey == noise(1, 5, 4)[0, ..., None]).all()


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_are_shown_by_their_mean(channels: int) -> None:
    pixels = sample_pixels(noise(channels, 5, 4))
    assert np.abs(pixels - noise(channels, 5, 4).mean(0)[..., None]).max() <= 0.5


def test_a_sequence_has_time_to_the_right_and_its_first_feature_lowest() -> None:
    sample = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    pixels = sample_pixels(sample)
    assert pixels.shape == (3, 7, 3)
    bright = pixels.sum(-1, dtype=int)[::-1].T  # (T, F)
    assert np.unravel_index(bright.argmax(), bright.shape) == np.unravel_index(sample.argmax(), sample.shape)
    assert np.unravel_index(bright.argmin(), bright.shape) == np.unravel_index(sample.argmin(), sample.shape)
    assert len(np.unique(sample_pixels(np.ones((4, 2), np.float32)).reshape(-1, 3), axis=0)) == 1


def test_drawn_on_axes_it_is_the_same_picture() -> None:
    axes, other, pale = Figure().subplots(1, 3)
    sample = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    draw_sample(axes, sample)
    (image,) = axes.images
    assert (image.get_array()[::-1] == sample_pixels(sample)).all()
    assert image.origin == "lower"  # feature 0 stands at 0
    draw_sample(other, noise(3, 5, 4))
    assert (other.images[0].get_array() == sample_pixels(noise(3, 5, 4))).all()
    draw_sample(pale, noise(3, 5, 4), faint=True)
    assert pale.images[0].get_array().min() >= 140


def test_small_ones_stay_sharp() -> None:
    assert len(np.unique(thumbnail(noise(1, 2, 2)))) <= 4
    assert thumbnail(noise(3, 200, 100), 50).shape == (50, 50, 3)


def test_a_contact_sheet_has_each_in_its_place() -> None:
    samples = [noise(3, 9, 9), noise(1, 9, 9), noise(3, 8, 8)]
    sheet = contact_sheet(samples, columns=2)
    step = SIDE + SPACE
    assert sheet.shape == (2 * step, 2 * step, 3)
    assert (sheet[step : step + SIDE, :SIDE] == thumbnail(samples[2])).all()
    assert (sheet[:SIDE, step : step + SIDE] == thumbnail(samples[1])).all()
    assert (sheet[step:, step:] == 255).all()
