"""Words and signs in lower case, bounded in number and length."""

from __future__ import annotations

import unicodedata
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
        ("这部电影，好看3次!", ["这", "部", "电", "影", "，", "好", "看", "3", "次", "!"]),
        ("好きなカメラ", ["好", "き", "な", "カ", "メ", "ラ"]),
        ("ง่าย\u200bมาก", ["ง่", "า", "ย", "ม", "า", "ก"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("العَرَبِيَّة!", ["العَرَبِيَّة", "!"]),
        ("좋은 영화다", ["좋은", "영화다"]),
        ("x² ½", ["x²", "½"]),
        ("👨\u200d👩\u200d👧 👍🏽🇰🇷", ["👨\u200d👩\u200d👧", "👍🏽", "🇰🇷"]),
    ],
)
def test_words_and_signs(text: str, words: list[str]) -> None:
    assert split_words(text, 100).tolist() == words


def test_bounds() -> None:
    assert split_words("a b c d", 3).tolist() == ["a", "b", "c"]
    assert split_words("x" * 1000 + " y", 9).tolist() == ["x" * LETTERS, "y"]


@pytest.mark.parametrize("text", ["Évaluer", "좋은 영화", "が"])
def test_two_ways_of_writing_a_character_are_one_word(text: str) -> None:
    composed, decomposed = (split_words(unicodedata.normalize(form, text), 9).tolist() for form in ("NFC", "NFD"))
    assert composed == decomposed


@pytest.mark.parametrize("text", ["", " \n\t\u00a0", "\u200b\ufeff"])
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
    path.write_bytes("text".encode("utf-16-le"))
    with pytest.raises(UserError, match="bytes that are zero"):
        read_text(path)
    with pytest.raises(UserError, match="no such file"):
        read_text(tmp_path / "b.txt")
