"""The words of a text, in lower case, with each sign of punctuation as a word of its own.

One regular expression, by Unicode's properties (the regex library: Python's own cuts words at combining marks). Where a
script has no blanks between words (Chinese, Japanese, Thai, Khmer, …) each character is one, with its marks, as in the
default of Unicode's text segmentation (UAX #29): finding true words takes a dictionary for each language. A network
of this size learns from the words it has seen often, so the sub-words of a kept tokeniser would not earn their install.
"""

from __future__ import annotations

import unicodedata
from itertools import islice
from pathlib import Path

import numpy as np
import regex

from overcast.core.errors import UserError

UNSPACED = r"\p{Ideographic}\p{Hiragana}\p{Katakana}\p{Line_Break=SA}"
"""Characters of the scripts that put no blanks between words; SA are those of South-East Asia."""
WORD = regex.compile(
    rf"[{UNSPACED}]\p{{M}}*"
    rf"|[[\w\p{{N}}\p{{M}}\u200c\u200d]--[{UNSPACED}]]+(?:'\w+)*"
    r"|(?![\s\u200b\ufeff])\X",
    regex.VERSION1,
)  # a cluster of other signs, such as an emoji of several, is one
LETTERS = 40  # kept of a word: what is longer is an address or a mishap, and every word takes the longest's memory


def split_words(text: str, max_length: int) -> np.ndarray:
    """The first ``max_length`` words (T,) of a text: "Don't panic!" is don't, panic and !.

    One way of writing a character (NFC) stands for all. Raises: UserError if there are none.
    """
    plain = unicodedata.normalize("NFC", text).lower().replace("’", "'")
    words = [match[0][:LETTERS] for match in islice(WORD.finditer(plain), max_length)]
    if not words:
        raise UserError("no words: the text is empty")
    return np.array(words)


def read_text(path: Path) -> str:
    """A text file. Raises: UserError, a short reason without the file's name, if it is none in UTF-8."""
    try:
        if (text := path.read_text(encoding="utf-8-sig")).count("\0"):
            raise UserError("not a text in UTF-8, since it has bytes that are zero: save it as such")
        return text
    except UnicodeDecodeError:
        raise UserError("not a text in UTF-8: save it as such") from None
    except FileNotFoundError:
        raise UserError("no such file") from None
