"""A sample of what is broken on purpose: `make faults` tries all of it, many times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attempt import Laboratory
from cases import SMALL_CASES, Case

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    made = Laboratory(tmp_path_factory.mktemp("faults"))
    yield made
    made.close()


@pytest.mark.parametrize("case", SMALL_CASES, ids=lambda case: f"{case.target}, {case.fault}")
def test_nothing_is_lost(laboratory: Laboratory, case: Case) -> None:
    for number in range(case.tries):
        outcome = laboratory.attempt(case, number)
        assert not outcome.wrong, outcome
