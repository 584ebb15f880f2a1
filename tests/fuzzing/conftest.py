"""Random inputs, each of which ends in success or in one clear message: no traceback, nothing dropped without a word.

pytest tests/fuzzing             a hundred inputs, the same each time
pytest -m long tests/fuzzing     two thousand, others each time: a quarter of an hour
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

FEW, MANY = 15, 350


@pytest.fixture(
    params=[pytest.param(FEW, marks=pytest.mark.slow), pytest.param(MANY, marks=pytest.mark.long)], ids=["few", "many"]
)
def fuzz(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Calls a function with so many random inputs."""

    def run(strategy: SearchStrategy[Any], check: Callable[[Any], None]) -> None:
        few = request.param == FEW
        options = settings(
            max_examples=request.param,
            deadline=None,
            derandomize=few,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        options(given(strategy)(lambda value: check(value)))()

    return run
