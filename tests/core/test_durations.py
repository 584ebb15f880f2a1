"""Times with their units."""

from __future__ import annotations

import pytest

from overcast.core.durations import seconds
from overcast.core.errors import UserError


@pytest.mark.parametrize(("text", "number"), [("90s", 90), ("1.5min", 90), ("2 h", 7200), ("30d", 2592000), ("0s", 0)])
def test_a_time(text: str, number: float) -> None:
    assert seconds("x", text) == number


@pytest.mark.parametrize("text", ["10", "min", "-1s", "1w", "00:00:10:00", "nan s"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(
        UserError, match=f"^trainer.max_time={text}: give a time with its unit, such as 90s, 30min, 2h or 7d"
    ):
        seconds("trainer.max_time", text)
