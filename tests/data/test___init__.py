"""A class's name can be shown everywhere, and one name is one class however it is written."""

from __future__ import annotations

import pytest

from overcast.data import Sample, class_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *((text, text) for text in ("Nan", "NA", "null", "true", "$\\frac$", "http://x.org/a", "구름", "👨‍👩‍👧")),
        (" a\t", "a"),
        ("Icon\r.", "Icon\\r."),
        ("a\nb\0", "a\\nb\\x00"),
        ("caf\udce9", "caf\\xe9"),
        ("e\u0301", "é"),
        ("\u1100\u1161", "가"),
        ("a\u2028b", "a\\u2028b"),
    ],
)  # fmt: skip
def test_names_of_any_kind(text: str, name: str) -> None:
    assert class_name(text) == Sample("x", text).label == name
    assert class_name(name) == name
    name.encode("utf8")
