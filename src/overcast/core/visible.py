"""Characters that cannot be seen, written out."""

from __future__ import annotations

import unicodedata

CONTROL = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of what is no sign: control characters, halves of a pair, and ends of lines and paragraphs."""


def visible(text: str, kept: str = "") -> str:
    r"""``text`` in which nothing moves a cursor, ends a line or cannot be written, but for the characters ``kept``.

    >>> visible("a\x1b[2J\r\udce9\n", kept="\n")
    'a\\x1b[2J\\r\\udce9\n'
    """
    if text.isprintable():
        return text
    return "".join(repr(c)[1:-1] if unicodedata.category(c) in CONTROL and c not in kept else c for c in text)
