"""Passwords in addresses: they leave a process in the environment of its children alone, in no file and no message."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

TRACKING_URI = "OVERCAST_TRACKING_URI"
"""The environment variable in which a process keeps a database's address with its password, for its children too."""

STORAGE = "OVERCAST_STORAGE"
"""The like for the database of a search."""

PATTERNS = (
    # user:password@, of which the password may hold a / or an @ of its own; one slash: pathlib makes one of two
    re.compile(r"""(\b[a-z][\w+.-]*:/+)[^/\s:@'"]*:(?!\d+/)[^\s'"]*@""", re.IGNORECASE),
    re.compile(r"""(\bhttps?:/+)[^/\s'"]*@""", re.IGNORECASE),  # a token; the user of a database alone is no secret
    re.compile(r"""([?&](?:password|passwd|pwd|sslpassword|token)=)[^&\s'"]+""", re.IGNORECASE),
)


def without_password(text: str) -> str:
    """The same text without the user and password of any address in it."""
    for pattern in PATTERNS:
        text = pattern.sub(r"\1", text)
    return text


def keep_password(uri: str) -> str:
    """A tracking URI without its password, which goes into this process's environment, where MLflow and
    `with_password` find it, as do the processes that this one starts. Variables of MLflow's that are set already win.
    """
    clean = without_password(uri)
    if clean != uri and keep_http_password(uri) == uri:
        os.environ[TRACKING_URI] = uri
    return clean


def keep_passwords(words: Sequence[str]) -> list[str]:
    """A command line without passwords; that of ``tracking.uri`` is kept as `keep_password` does, and so is that of
    ``storage``, a search's database.
    """
    for word in words:
        name, _, value = word.partition("=")
        if name.lstrip("+") == "tracking.uri":
            keep_password(value.strip("'\""))
        if name == "storage" and without_password(value) != value:
            os.environ[STORAGE] = value
    return [without_password(word) for word in words]


def keep_http_password(uri: str) -> str:
    """As `keep_password`, for a server; a database's URI stays as it is."""
    if not uri.startswith("http"):
        return uri
    user, _, password = urlsplit(uri).netloc.rpartition("@")[0].partition(":")
    if password:
        os.environ.setdefault("MLFLOW_TRACKING_USERNAME", unquote(user))
        os.environ.setdefault("MLFLOW_TRACKING_PASSWORD", unquote(password))
    elif user:
        os.environ.setdefault("MLFLOW_TRACKING_TOKEN", unquote(user))
    return without_password(uri)


def with_password(uri: str, variable: str = TRACKING_URI) -> str:
    """A tracking URI as `keep_password` was given it; variable: `STORAGE` for the address of a search's database."""
    kept = os.environ.get(variable, "")
    return kept if kept and without_password(kept) == uri else uri
