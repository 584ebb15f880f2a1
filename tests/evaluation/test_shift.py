"""Corrupted pictures are the same for every run, as corrupted as they should be, and still pictures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from overcast.core.errors import UserError
from overcast.evaluation.shift import (
    BLUR,
    BRIGHTNESS,
    CONTRAST,
    KINDS,
    NOISE,
    SEVERITIES,
    corrupted,
    plasma,
    shift_accuracy,
)
from overcast.prepare.pack import Pack, open_pack


@pytest.fixture
def skies(data: Path) -> Pack:
    return open_pack(data, "skies")


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_looks_the_same_wherever_it_is_met(skies: Pack, kind: str) -> None:
    rows = np.array([3, 40, 77])
    pictures, _ = skies.gather(rows)
    before = pictures.copy()
    together = corrupted(pictures, kind, 3, rows)
    assert (together.dtype, together.shape) == (np.uint8, pictures.shape)
    assert (pictures == before).all()
    for at, row in enumerate(rows):
        assert (corrupted(pictures[at : at + 1], kind, 3, rows[at : at + 1])[0] == together[at]).all(), row


@pytest.mark.parametrize("kind", KINDS)
def test_more_severe_is_further_from_the_picture(kind: str) -> None:
    rows = np.arange(10)
    pictures = np.random.default_rng(3).integers(0, 256, (10, 3, 32, 32), np.uint8)
    away = [np.abs(corrupted(pictures, kind, s, rows) - pictures.astype(float)).mean() for s in SEVERITIES]
    assert 0 < away[0] < away[1] < away[2]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 20, 33), (2, 16, 9)])
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_any_size_and_channels(kind: str, shape: tuple[int, ...]) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
    pictures[1] = 0  # black
    found = corrupted(pictures, kind, 5, np.arange(2))
    assert (found.dtype, found.shape) == (np.uint8, pictures.shape)


def test_each_kind_is_what_it_says() -> None:
    grey = np.full((1, 3, 64, 64), 128, np.uint8)
    rows = np.array([5])
    noise = corrupted(grey, "gaussian_noise", 3, rows) / 255 - 128 / 255
    assert noise.std() == pytest.approx(NOISE[3], rel=0.05)
    assert abs(noise.mean()) < 0.005
    random = np.random.default_rng(1).integers(0, 256, (1, 3, 64, 64), np.uint8)
    blurred = gaussian_filter(random[0, 1] / 255, BLUR[5], mode="nearest")
    assert corrupted(random, "gaussian_blur", 5, rows)[0, 1] / 255 == pytest.approx(blurred, abs=0.003)
    faded = corrupted(random, "contrast", 3, rows)
    assert faded.std((2, 3)) == pytest.approx(CONTRAST[3] * random.std((2, 3)), rel=0.02)
    assert faded.mean((2, 3)) == pytest.approx(random.mean((2, 3)), abs=0.5)
    blue = np.zeros((1, 3, 2, 2), np.uint8)
    blue[0, 0], blue[0, 2] = 40, 80
    lighter = corrupted(blue, "brightness", 3, rows)[0, :, 0, 0]
    assert lighter[2] == pytest.approx(80 + 255 * BRIGHTNESS[3], abs=0.6)
    assert (lighter[1], lighter[0]) == (0, pytest.approx(lighter[2] / 2, abs=1))  # the same hue
    assert corrupted(np.zeros_like(blue), "brightness", 3, rows).min() == pytest.approx(255 * BRIGHTNESS[3], abs=0.6)
    dark = np.zeros((1, 3, 64, 64), np.uint8)
    dark[0, :, :4] = 200
    fogged = corrupted(dark, "fog", 5, rows)[0]
    assert fogged.max() <= 200
    assert fogged[:, 32:].mean() > 50
    assert (fogged[0] == fogged[1]).all()  # it has no colour


def test_clouds_are_smooth_and_none_like_another() -> None:
    draws = np.random.default_rng(2).uniform(-1, 1, (2, 64, 64))
    rough, smooth = plasma(draws, 1.75), plasma(draws, 3.0)
    for clouds in (rough, smooth):
        assert (clouds.min(), clouds.max()) == (0, 1)
        assert clouds[0].std() > 0.1
        assert np.abs(np.diff(clouds, axis=1)).mean() < 0.5 * clouds.std()
    assert np.abs(np.diff(smooth, axis=2)).mean() < np.abs(np.diff(rough, axis=2)).mean()
    assert (plasma(np.zeros((1, 4, 4)), 2.0) == 0).all()


class Told:
    """Says each row's own class where its picture is bright, else the next one."""

    def __init__(self, pack: Pack, rows: np.ndarray) -> None:
        self.labels, self.asked = torch.from_numpy(pack.labels[rows]), 0

    def answer(self, x: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        bright = x.float().mean((1, 2, 3)) > 128
        return torch.eye(5)[torch.where(bright, self.labels, (self.labels + 1) % 5)]


def test_the_mean_is_over_kinds_and_severities(skies: Pack) -> None:
    rows = np.arange(0, 100, 7)
    told: Any = Told(skies, rows)
    found = shift_accuracy(told, skies, rows)
    assert told.asked == len(KINDS) * len(SEVERITIES)
    pictures, _ = skies.gather(rows)
    right = {
        kind: np.stack([corrupted(pictures, kind, s, rows).mean((1, 2, 3)) > 128 for s in SEVERITIES]) for kind in KINDS
    }
    assert found.kinds == pytest.approx({kind: each.mean() for kind, each in right.items()})
    assert found.of_rows == pytest.approx(np.stack(list(right.values())).mean((0, 1)))
    assert found.mean == pytest.approx(np.mean(list(found.kinds.values())))


def test_a_data_set_that_renders_a_shift_is_asked_for_it(skies: Pack) -> None:
    asked = []

    class Dark:
        def shifted(self, files: list[str], kind: str, severity: int) -> np.ndarray | None:
            asked.append((files, kind, severity))
            return np.zeros((len(files), *skies.spec.shape), np.uint8) if kind == "fog" else None

    dataset: Any = Dark()
    rows = np.arange(0, 100, 7)
    told: Any = Told(skies, rows)
    found = shift_accuracy(told, skies, rows, dataset)
    assert asked[0][0] == skies.index["file"][rows].tolist()
    assert {(kind, severity) for _, kind, severity in asked} == {(kind, s) for kind in KINDS for s in SEVERITIES}
    assert found.kinds["fog"] == 0.0
    told = Told(skies, rows)
    corrupted_ones = shift_accuracy(told, skies, rows).kinds
    assert {**corrupted_ones, "fog": 0.0} == found.kinds
    assert corrupted_ones["fog"] > 0


def test_what_is_no_picture_is_refused(data: Path) -> None:
    network: Any = SimpleNamespace()
    with pytest.raises(UserError, match=r"measured on pictures, and data=waves is of kind sequence: leave it out of"):
        shift_accuracy(network, open_pack(data, "waves"), np.arange(3))
