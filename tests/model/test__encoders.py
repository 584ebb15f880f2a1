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
