"""What people read, in English or Korean: the English in the source is the key of its translation.

Nothing but what a caller asks for changes the language: not the machine's locale, and so no file that DVC compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from overcast.core.errors import UserError

LANGUAGES = ("en", "ko")
MESSAGE = "message"
"""The context, in a catalogue, of what is said on a terminal; what stands in reports and pages has none."""

_language: ContextVar[str] = ContextVar("language", default="en")
"""A context variable, as libraries keep locales: every call of a program, thread or task has its own."""


@contextmanager
def use_language(name: str) -> Iterator[None]:
    """Within it, `translate` gives this language.

    Raises: UserError if there is no such language.
    """
    if name not in LANGUAGES:
        raise UserError(no_language(name))
    before = _language.set(name)
    try:
        yield
    finally:
        _language.reset(before)


def no_language(name: str) -> str:
    """What is said of a language that there is none of."""
    return f"language={name}: there is no such language. Choices: {', '.join(LANGUAGES)}"


def current_language() -> str:
    """One of `LANGUAGES`, English where nothing else was asked for."""
    return _language.get()


def translate(text: str, **values: object) -> str:
    """The text in the language that is used, with the values in its ``{places}``; as it stands where there are none.

    A text without a translation, such as a user's own name for something, stays as it is.
    """
    shown = _catalogue(current_language()).get(text, text)
    return shown.format(**values) if values else shown


def translatable(text: str) -> str:
    """The text itself: marks one that stands in a constant and is translated where it is used."""
    return text


def translated_messages(language: str) -> Mapping[str, str]:
    """The translations of what is said on a terminal (`overcast.core.console`): messages with ``{places}``."""
    return {message: text for (context, message), text in _entries(language).items() if context == MESSAGE}


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    """The translations of the texts of reports and pages."""
    return {text: translation for (context, text), translation in _entries(language).items() if context != MESSAGE}


@cache
def _entries(language: str) -> Mapping[tuple[str, str], str]:
    """The translations of English texts by context, as gettext's ``.po`` files have them."""
    if language == "en":
        return {}
    import polib

    file = Path(__file__).with_name(f"{language}.po")
    return {(entry.msgctxt or "", entry.msgid): entry.msgstr for entry in polib.pofile(str(file))}
