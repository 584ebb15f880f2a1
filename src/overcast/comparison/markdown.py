"""Text in Markdown that reads as it is: a class, cell or data set may be called anything."""

from __future__ import annotations

import re
from collections.abc import Sequence

SPECIAL = re.compile(r"[\\`*<@|]|\](?=\()|(?<![^\W_])_|_(?![^\W_])")
"""What would begin a code, an emphasis, an element, a citation, a field or a link; no underscore within a word."""


def escaped(text: str) -> str:
    """The text, in one line, with a backslash before what Markdown would take for its own."""
    return SPECIAL.sub(r"\\\g<0>", " ".join(text.split("\n")))


def code(text: str) -> str:
    """The text as code: between more backticks than it has."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A row each, the first of them the heads and the second what lies under them."""
    return "".join(f"| {' | '.join(map(escaped, row))} |\n" for row in rows)
