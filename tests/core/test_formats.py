"""One's own format is read; an older and a newer one are told apart."""

from __future__ import annotations

from typing import Any

import pytest

from overcast.core.errors import UserError
from overcast.core.formats import check_format


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ({}, "^The pack was written by an older version of overcast: pack again\\.$"),
        ({"format": 1}, "^The pack was written by an older version of overcast: pack again\\.$"),
        ({"format": 3}, "^The pack was written by a newer version of overcast: upgrade overcast, or pack again\\.$"),
        ({"format": "2b"}, "newer version"),
    ],
)
def test_another_format_is_refused(stored: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_format("The pack", stored, 2, "pack again")


def test_ours_is_read() -> None:
    check_format("The pack", {"format": 2, "more": "x"}, 2, "pack again")
