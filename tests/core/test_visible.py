"""What names hold that came with a stranger's files is shown, not obeyed."""

from __future__ import annotations

from overcast.core.visible import visible


def test_what_moves_a_cursor_or_ends_a_line_is_written_out() -> None:
    assert visible("a\x0cb\x1b[31m\u2028\udcff") == r"a\x0cb\x1b[31m\u2028\udcff"
    assert visible("two\nlines\tand a tab", kept="\n\t") == "two\nlines\tand a tab"
    assert visible("과적합 café ×") == "과적합 café ×"
