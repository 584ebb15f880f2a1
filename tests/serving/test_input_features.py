"""What a person would expect of a darker, sharper or longer sample."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from overcast.core.spec import UNKNOWN, Spec
from overcast.data._sky_painter import render
from overcast.serving.input_features import (
    image_features,
    input_features,
    sequence_features,
    token_features,
)

PICTURE = render([3], seed=0, size=40, difficulty=0.2)[0].transpose(2, 0, 1)


def test_a_darker_picture_and_a_greyer_one() -> None:
    plain, dark = image_features(PICTURE), image_features(PICTURE // 2)
    assert dark["brightness"] == pytest.approx(plain["brightness"] / 2, abs=0.01)
    assert dark["contrast"] < plain["contrast"]
    grey = np.repeat(PICTURE.mean(0, keepdims=True).astype(np.uint8), 3, 0)
    assert image_features(grey)["colourfulness"] == pytest.approx(0, abs=1e-9)
    assert plain["colourfulness"] > 0.05


def test_a_blurred_picture_is_less_sharp() -> None:
    from scipy.ndimage import gaussian_filter, laplace

    blurred = gaussian_filter(PICTURE, (0, 1, 1))
    assert image_features(blurred)["sharpness"] < image_features(PICTURE)["sharpness"] / 2
    single = PICTURE[:1]
    inner = laplace(single[0] / 255)[1:-1, 1:-1]
    assert image_features(single)["sharpness"] == pytest.approx(1000 * inner.var())


def test_the_channels_are_told_apart() -> None:
    red = np.zeros((3, 8, 8), np.uint8)
    red[0] = 255
    found = image_features(red)
    assert (found["red"], found["green"], found["blue"]) == (1, 0, 0)
    assert found["brightness"] == pytest.approx(0.299)
    assert image_features(red[:1]).keys() == {"brightness", "contrast", "sharpness"}


def test_a_wave() -> None:
    time = np.arange(400)
    wave = np.stack([np.sin(time * 2 * np.pi / 20), 3 + 0 * time], 1)  # (T, 2)
    found = sequence_features(wave)
    assert found["length"] == 400
    assert (found["feature 0"], found["feature 1"]) == pytest.approx((0, 3), abs=1e-6)
    assert found["crossings"] == pytest.approx((2 / 20) / 2, abs=0.005)  # the other one is constant
    faster = np.sin(time * 2 * np.pi / 10)[:, None]
    assert sequence_features(faster)["roughness"] > 1.5 * sequence_features(wave[:, :1])["roughness"]
    assert "feature 0" not in sequence_features(np.zeros((5, 9)))


def test_high_bands_tilt_a_spectrum() -> None:
    low, high = np.zeros((10, 8)), np.zeros((10, 8))
    low[:, :4] = high[:, 4:] = 1
    assert sequence_features(low, bands=True)["tilt"] == -1
    assert sequence_features(high, bands=True)["tilt"] == 1


def test_words() -> None:
    found = token_features(np.array([UNKNOWN, 5, 5, 9], np.int32))
    assert found == {"length": 4, "unknown": 0.25, "different": 0.75}


@pytest.mark.parametrize(
    ("kind", "sample"),
    [
        ("image", np.zeros((1, 1, 1), np.uint8)),
        ("image", np.zeros((2, 2, 2), np.uint8)),
        ("sequence", np.zeros((1, 1), np.float32)),
        ("sequence", np.full((3, 2), 3e38, np.float32)),
        ("spectrogram", np.zeros((1, 1), np.float32)),
        ("tokens", np.zeros(0, np.int32)),
        ("tokens", np.array([7], np.int32)),
    ],
)
def test_the_smallest_samples_have_finite_ones(kind: str, sample: np.ndarray) -> None:
    features = input_features(sample, Spec(kind, sample.shape, ("a", "b")))  # type: ignore[arg-type]
    assert all(math.isfinite(value) for value in features.values())
    json.dumps(features)
