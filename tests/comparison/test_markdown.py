"""A name is a name in Markdown too, whatever signs it has."""

from __future__ import annotations

import pytest

from overcast.comparison.markdown import code, escaped, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("weight_decay · lr=0.01", "weight_decay · lr=0.01"),
        ("+4.1 points [2.9, 5.2] (better)", "+4.1 points [2.9, 5.2] (better)"),
        ("<script>alert(1)</script>", r"\<script>alert(1)\</script>"),
        ('"><img src=x>', r'">\<img src=x>'),
        ("[a](http://b)", r"[a\](http://b)"),
        ("*a* __b__ `c`", r"\*a\* \_\_b\_\_ \`c\`"),
        ("[@varma2006]", r"[\@varma2006]"),
        ("a\\|b", r"a\\\|b"),
        ("a\n# b", "a # b"),
        ("=1+1", "=1+1"),
    ],
)
def test_what_markdown_would_take_for_its_own_is_text(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_a_field_of_a_table_stays_one() -> None:
    assert table([["a|b", "c"], ["---", "---"]]) == "| a\\|b | c |\n| --- | --- |\n"


def test_code_ends_where_it_should() -> None:
    assert code("python x") == "`python x`"
    assert code("python `a` ``b``") == "``` python `a` ``b`` ```"
