"""What a text is cut into: words, or the sub-words that a pretrained network was trained with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from overcast.readers.text import split_words
from overcast.readers.wordpiece import split_pieces, vocabulary

Tokenizer = Literal["words", "wordpiece"]


def split_and_vocabulary(name: Tokenizer) -> tuple[Callable[[str, int], np.ndarray], tuple[str, ...]]:
    """What gives the first so many tokens of a text, and all that there can be: () where the pack is to say that.

    Raises: UserError if the extra that ``wordpiece`` needs is not installed.
    """
    return (split_words, ()) if name == "words" else (split_pieces, vocabulary())
