"""What a study's record says of its splits and its design."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from overcast.comparison.study_record import published_splits, read_plan


def run(fold: int, **facts: int) -> Any:
    config = SimpleNamespace(data=SimpleNamespace(name="sky"), split=SimpleNamespace(fold=fold))
    return SimpleNamespace(facts=facts, config=config)


def test_a_published_split_is_said_and_whether_it_leaks() -> None:
    assert published_splits([run(0), run(1)]) == []
    (clean,) = published_splits([run(0, leaked_test_rows=0), run(1, leaked_test_rows=0)])
    assert clean.startswith("The split of sky is a published one. No test row has a near-duplicate")
    (leak,) = published_splits([run(0, leaked_test_rows=0), run(1, leaked_test_rows=7)])
    assert "LEAK: 7 of a fold's test rows have a near-duplicate" in leak


def test_equal_computing_is_a_remark_and_post_hoc_where_it_was_not_planned() -> None:
    plan = read_plan(SimpleNamespace(tags={"equal": "compute", "planned_equal": "compute"}))
    assert plan["post_hoc"] == []
    assert plan["remarks"][0].startswith("Equal computing: each cell has as many epochs as take the baseline's")
    changed = {"equal": "compute", "planned_equal": "epochs", "planned_design": "one_at_a_time"}
    (note,) = read_plan(SimpleNamespace(tags=changed | {"design": "one_at_a_time"}))["post_hoc"]
    assert note.endswith("Planned was one_at_a_time at equal epochs, with one look at the end.")
