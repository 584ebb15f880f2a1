"""Strategies for the words that users and other programs give things."""

from __future__ import annotations

from hypothesis import strategies as st

from overcast.core.atomic import OURS

NASTY = [
    "nan", "NaN", "None", "null", "true", "no", "error", "label", "file", "http://x/y", "../x", "a&b", "a+b", "a b",
    "$x_1^2$", "=1+1", "<script>alert(1)</script>", "a,b", 'a"b', "a'b", "a;b", "a\tb", "#a", "%s", "{}", "\\", "C:",
    "구름", "é", "e\u0301", "日本", "🌧", "\u202ea", "0", "1.5", "-1", "1e400", " a", "a ", "x" * 300, "CON", ".a",
]  # fmt: skip
"""Names that have broken some program."""

any_text = st.text(max_size=40)
names = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=12))

file_names = names.map(
    lambda text: "".join("_" if c in "/\0" or "\ud800" <= c <= "\udfff" else c for c in text)[:80]
).filter(lambda name: OURS not in name)
"""Names that a file system takes, if not all of them; but for what marks our own unfinished files."""

numbers = st.one_of(
    st.integers(-3, 3),
    st.floats(),
    st.sampled_from([2**31, 2**63, -(2**63), 10**20, 1e-320, 1e38, 1e39, 1e300]),
)
"""Numbers of any size, and what is none."""
