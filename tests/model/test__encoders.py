"""What is padding is known in the same way to networks and to what comes before them."""

from __future__ import annotations

import numpy as np
import torch

from overcast.core import spec
from overcast.model import _encoders


def test_steps_up_to_the_length_are_true_ones() -> None:
    length = np.array([0, 1, 3, 5])
    expected = [[False] * 4, [True, False, False, False], [True, True, True, False], [True] * 4]
    assert spec.sequence_mask(length, 4).tolist() == expected
    assert _encoders.sequence_mask(torch.from_numpy(length), 4).tolist() == expected


def test_the_mean_is_that_of_the_true_steps() -> None:
    x = torch.tensor([[[1.0], [3.0], [100.0]], [[7.0], [7.0], [7.0]]])
    assert _encoders.mean_over_time(x, torch.tensor([2, 0])).tolist() == [[2.0], [0.0]]


def test_patches_are_read_row_after_row_and_filled_up_with_zeros() -> None:
    x = torch.arange(2 * 3 * 5 * 4.0).view(2, 3, 5, 4)
    steps = _encoders.StepEncoder(spec.Spec("image", (3, 5, 4), ("a", "b")), 0, patch=2)
    read = steps(x)
    assert read.shape == (2, steps.max_steps, steps.features) == (2, 6, 12)
    for number, (row, column) in enumerate([(0, 0), (0, 2), (2, 0), (2, 2)]):
        assert read[:, number].equal(x[:, :, row : row + 2, column : column + 2].flatten(1))
    last = read[:, 5].view(2, 3, 2, 2)
    assert last[:, :, 0].equal(x[:, :, 4, 2:])
    assert not last[:, :, 1].any()
