"""What would decide a comparison, also where there is nothing to go by."""

from __future__ import annotations

import numpy as np

from overcast.statistics.simultaneous import compare_with_control
from overcast.statistics.verdicts import seeds_to_decide


def test_no_number_of_seeds_decides_what_could_not_be_measured() -> None:
    unknown = compare_with_control(np.full((2, 3, 1), np.nan), 0.1)
    assert seeds_to_decide(unknown, 3, 0.03, 0.05) is None
