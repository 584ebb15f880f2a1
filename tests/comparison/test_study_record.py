"""What a study's record says of its splits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from overcast.comparison.study_record import published_splits


def run(fold: int, **facts: int) -> Any:
    config = SimpleNamespace(data=SimpleNamespace(name="sky"), split=SimpleNamespace(fold=fold))
    return SimpleNamespace(facts=facts, config=config)


def test_a_published_split_is_said_and_whether_it_leaks() -> None:
    assert published_splits([run(0), run(1)]) == []
    (clean,) = published_splits([run(0, leaked_test_rows=0), run(1, leaked_test_rows=0)])
    assert clean.startswith("The split of sky is a published one. No test row has a near-duplicate")
    (leak,) = published_splits([run(0, leaked_test_rows=0), run(1, leaked_test_rows=7)])
    assert "LEAK: 7 of a fold's test rows have a near-duplicate" in leak
