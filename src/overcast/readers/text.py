"""The words of a text, in lower case, with each sign of punctuation as a word of its own.

One regular expression: a network of this size learns from the words it has seen often, whatever cut them, so the
sub-words of a kept tokeniser would not earn their install.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import numpy as np

from overcast.core.errors import UserError

WORD = re.compile(r"\w+(?:'\w+)*|[^\w\s]")
LETTERS = 40  # kept of a word: what is longer is an address or a mishap, and every word takes the longest's memory


def split_words(text: str, max_length: int) -> np.ndarray:
    """The first ``max_length`` words (T,) of a text: "Don't panic!" is don't, panic and !.

    Raises: UserError if there are none.
    """
    plain = text.lower().replace("’", "'")
    words = [match[0][:LETTERS] for match in islice(WORD.finditer(plain), max_length)]
    if not words:
        raise UserError("no words: the text is empty")
    return np.array(words)


def read_text(path: Path) -> str:
    """A text file. Raises: UserError, a short reason without the file's name, if it is none in UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("not a text in UTF-8: save it as such") from None
    except FileNotFoundError:
        raise UserError("no such file") from None
