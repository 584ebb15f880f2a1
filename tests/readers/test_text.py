"""Words and signs in lower case, bounded in number and length."""

from __future__ import annotations

from pathlib import Path

import pytest

from overcast.core.errors import UserError
from overcast.readers.text import LETTERS, read_text, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't panic!", ["don't", "panic", "!"]),
        ("it’s rock 'n' roll", ["it's", "rock", "'", "n", "'", "roll"]),
        ("jean-claud, ÉTÉ 2004 ...\n\tend", ["jean", "-", "claud", ",", "été", "2004", ".", ".", ".", "end"]),
    ],
)
def test_words_and_signs(text: str, words: list[str]) -> None:
    assert split_words(text, 100).tolist() == words


def test_bounds() -> None:
    assert split_words("a b c d", 3).tolist() == ["a", "b", "c"]
    assert split_words("x" * 1000 + " y", 9).tolist() == ["x" * LETTERS, "y"]


@pytest.mark.parametrize("text", ["", " \n\t\u00a0"])
def test_no_words(text: str) -> None:
    with pytest.raises(UserError, match="no words"):
        split_words(text, 5)


def test_files_in_utf8_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfna\xc3\xafve")
    assert read_text(path) == "naïve"
    path.write_bytes(b"na\xefve")
    with pytest.raises(UserError, match="not a text in UTF-8"):
        read_text(path)
    with pytest.raises(UserError, match="no such file"):
        read_text(tmp_path / "b.txt")
