"""What a script says: a message is written, raised, stored and sent in English, and translated where it is shown.

So no file, tag or figure depends on the language, whoever writes a message into one, and no message is written twice:
its translation is found by its English. A message of the catalogue, ``{path}: has no column {name}``, is the f-string
that makes it, each value called by its last name there; what is shown is split at the words between the values.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from string import Formatter
from typing import NamedTuple

from overcast.core.visible import visible
from overcast.core.words import current_language, translated_messages

MARKS = ("\n", "; ", ": ", " × ")
"""Between the messages that one is made of."""


PLURAL = "s"
ENDINGS = ("", "s", "es")
"""What the value of this name may be."""


KEPT = "\n\t"
"""What of the characters that cannot be seen is meant; others come with names of files, and might clear a screen."""


FEW = 10  # letters
WORD = re.compile(r"[^\s,]*")


def show(text: str, flush: bool = False) -> None:
    """Print a result or how far something is, in the language that is used."""
    print(visible(in_language(text), KEPT), flush=flush)


def warn(text: str, flush: bool = False) -> None:
    """Print a remark, or what is wrong, on standard error, in the language that is used."""
    print(f"overcast: {visible(in_language(text), KEPT)}", file=sys.stderr, flush=flush)


def in_language(message: str) -> str:
    """An English message in the language that is used, as are the messages among its values.

    What is none, a name or what another program says, stays as it stands, but for the messages that stand in it line by
    line, behind a semicolon, at its end, or behind the name of what they are about.
    """
    language = current_language()
    if language == "en":
        return message
    exact, forms = _catalogue(language)
    if message in exact:
        return exact[message]
    lines = "\n" in message
    for form in forms:
        if lines and not form.lines:
            continue  # it would take the words of another line for its own
        if (values := form.values(message)) is not None:
            return form.translation.format(**{name: _part(value) for name, value in values.items()})
    for ending in exact:
        if not ending[:1].isalnum() and message.endswith(ending):
            return message.removesuffix(ending) + exact[ending]
    for mark in MARKS:
        if mark in message:
            return mark.join(map(_part, message.split(mark)))
    stripped = message.strip()
    return message if stripped == message else message.replace(stripped, _part(stripped))


def _part(text: str) -> str:
    """A value, or what stands beside a mark, which may be a message itself; a single word is the name of something."""
    return in_language(text) if " " in text.strip() else text


class _Form(NamedTuple):
    """words: what stands before, between and after the values, of which each has a name."""

    words: Sequence[str]
    names: Sequence[str]
    translation: str

    @property
    def is_short(self) -> bool:
        """Whether any longer text could have its few words in it: its values are then single words."""
        return sum(map(str.isalpha, "".join(self.words))) < FEW

    @property
    def lines(self) -> bool:
        """Whether it is of several."""
        return any("\n" in words for words in self.words)

    def values(self, message: str) -> Mapping[str, str] | None:
        """By name; None if this is no such message. A value ends where the words after it come first."""
        first, *between, last = self.words
        if not message.startswith(first) or not message.endswith(last) or len(message) < len(first) + len(last):
            return None
        at, end, found = len(first), len(message) - len(last), dict[str, str]()
        for name, words in zip(self.names, [*between, None], strict=True):
            next_at = end if words is None else message.find(words, at, end)
            if next_at < 0:
                return None
            value = message[at:next_at]
            if found.setdefault(name, value) != value or (name.rstrip("1234") == PLURAL and value not in ENDINGS):
                return None
            if self.is_short and not WORD.fullmatch(value):
                return None
            at = next_at + len(words or "")
        return found


@cache
def _catalogue(language: str) -> tuple[Mapping[str, str], Sequence[_Form]]:
    """The messages without values, and those with some: the wordiest first, since it says most of what it is."""
    exact, forms = dict[str, str](), list[_Form]()
    for message, translation in translated_messages(language).items():
        parts = list(Formatter().parse(message))
        names = [name for _, name, _, _ in parts if name is not None]
        if not names:
            exact["".join(words for words, *_ in parts)] = translation.format()
            continue
        words = _words_between(parts)
        forms.append(_Form(words, names, translation))
    return exact, sorted(forms, key=lambda form: -sum(map(len, form.words)))


def _words_between(parts: Sequence[tuple[str, str | None, str | None, str | None]]) -> list[str]:
    """Before the first value, between each two, and after the last; `Formatter.parse` cuts at doubled braces, too."""
    words = [""]
    for text, name, _, _ in parts:
        words[-1] += text
        if name is not None:
            words.append("")
    return words
