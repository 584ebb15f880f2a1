"""What a study planned, and what was changed after its first trial."""

from __future__ import annotations

from types import SimpleNamespace

from overcast.comparison.study_plan import read_plan


def test_equal_computing_is_a_remark_and_post_hoc_where_it_was_not_planned() -> None:
    plan = read_plan(SimpleNamespace(tags={"equal": "compute", "planned_equal": "compute"}))
    assert plan["post_hoc"] == []
    assert plan["remarks"][0].startswith("Equal computing: each cell has as many epochs as take the baseline's")
    changed = {"equal": "compute", "planned_equal": "epochs", "planned_design": "one_at_a_time"}
    (note,) = read_plan(SimpleNamespace(tags=changed | {"design": "one_at_a_time"}))["post_hoc"]
    assert note.endswith("Planned was one_at_a_time at equal epochs, with one look at the end.")
