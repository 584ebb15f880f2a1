"""Passwords in addresses are taken out of any text, and kept where MLflow and the processes started here find them."""

from __future__ import annotations

import os
import pickle

import pytest

from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.core.secrets import TRACKING_URI, keep_password, keep_passwords, with_password, without_password


@pytest.fixture(autouse=True)
def no_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set in a test is gone after it."""
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", TRACKING_URI):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("http://user:pass@host:5000/x", "http://host:5000/x"),
        ("see 'https://user:pa@ss@host', then", "see 'https://host', then"),
        ("http://user:pa/ss@host", "http://host"),
        ("http://:pass@host", "http://host"),
        ("https://token@host", "https://host"),
        (
            "tracking.uri=postgresql+psycopg2://user:pass@host/db lr=1",
            "tracking.uri=postgresql+psycopg2://host/db lr=1",
        ),
        ("postgresql://host/db?user=x&password=pass&sslmode=no", "postgresql://host/db?user=x&password=&sslmode=no"),
        ("mirror='http:/user:pass@host/archives'", "mirror='http:/host/archives'"),  # as a path shows it
        ("two: ftp://a:pass@h and\nftp://b:pass@i", "two: ftp://h and\nftp://i"),
        ("http://host:5000/a@b and me@example.org", "http://host:5000/a@b and me@example.org"),
        ("postgresql://user@host/db ssh://git@host/x sqlite:////a/b.db", None),
        ("lr=0.1 split.fold=2 12:30 a:b@c", None),
    ],
)
def test_no_text_has_a_password(text: str, clean: str | None) -> None:
    assert without_password(text) == (text if clean is None else clean)
    assert without_password(without_password(text)) == without_password(text)


def test_an_error_has_none_either() -> None:
    error = pickle.loads(pickle.dumps(UserError("cannot reach http://user:pass@host")))
    assert str(error) == "cannot reach http://host"


def test_a_server_s_is_where_mlflow_looks() -> None:
    assert TrackingConfig(uri="http://me:p%40ss@host:5000").uri == "http://host:5000"
    assert (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]) == ("me", "p@ss")
    keep_password("http://other:word@host")  # what is set wins
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "me"
    assert keep_password("https://secret@host") == "https://host"
    assert os.environ["MLFLOW_TRACKING_TOKEN"] == "secret"


def test_a_command_line_has_none() -> None:
    words = ["model=ann", "+tracking.uri='http://me:pass@host'", "mirror=http://me:pass@host/a", "-m"]
    assert keep_passwords(words) == ["model=ann", "+tracking.uri='http://host'", "mirror=http://host/a", "-m"]
    assert (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]) == ("me", "pass")


def test_a_database_s_is_found_again() -> None:
    uri = "postgresql://me:pass@host/db"
    clean = TrackingConfig(uri=uri).uri
    assert clean == "postgresql://host/db"
    assert with_password(clean) == os.environ[TRACKING_URI] == uri
    assert with_password("postgresql://elsewhere/db") == "postgresql://elsewhere/db"
