"""Numbers and noise depend on key, name and place alone, and never leave their range."""

from __future__ import annotations

import numpy as np
import pytest

from overcast.data._value_noise import ValueNoise, blend, clip, picture_keys


def noise(indices: list[int], seed: int = 0, size: int = 24) -> ValueNoise:
    return ValueNoise(picture_keys(seed, indices), size)


def test_numbers_depend_on_seed_index_and_name_alone() -> None:
    numbers = noise([0, 1, 2]).draw("a", 5)
    assert numbers.shape == (3, 5)
    assert (noise([2, 0]).draw("a", 5) == numbers[[2, 0]]).all()
    assert (noise([0, 1, 2]).draw("a", 3) == numbers[:, :3]).all()
    for other in (noise([0, 1, 2]).draw("b", 5), noise([0, 1, 2], seed=1).draw("a", 5)):
        assert (other != numbers).all()


def test_numbers_are_uniform_within_their_range() -> None:
    numbers = noise(list(range(40))).draw("a", 1000, low=-1, high=3)
    assert -1 <= numbers.min() < -0.99
    assert 2.99 < numbers.max() < 3
    assert numbers.mean() == pytest.approx(1, abs=0.03)
    assert numbers.var() == pytest.approx(16 / 12, abs=0.03)


@pytest.mark.parametrize("look", ["smooth", "blocks", "receding"])
def test_noise_lies_within_0_to_1(look: str) -> None:
    line, plane = noise([3, 4]).line("a", 5, look), noise([3, 4]).plane("a", 5, 3, look)
    assert (line.shape, plane.shape) == ((2, 1, 1, 24), (2, 1, 24, 24))
    for values in (line, plane):
        assert 0 <= values.min() < values.max() <= 1


def test_noise_is_as_fine_as_its_cells() -> None:
    """Blocks have a value a cell; smooth noise goes from one cell's end to the next without a jump."""
    assert len(np.unique(noise([0]).line("a", 4, "blocks"))) == 4
    assert np.abs(np.diff(noise([0], size=240).line("a", 4))).max() < 0.04


def test_blended_and_clipped() -> None:
    ends = np.array([0.0, 2.0], np.float32)
    assert blend(ends, 4.0, 0.5).tolist() == [2.0, 3.0]
    assert clip(ends - 1).tolist() == [0.0, 1.0]
