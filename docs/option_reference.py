"""The pages of every option group, written from conf/ and docstrings: part of `make docs`."""

from __future__ import annotations

from pathlib import Path


def write_option_reference(folder: Path) -> None:
    """A page a group of conf/: each choice, its first sentence and its options with their defaults."""
    folder.mkdir(parents=True, exist_ok=True)
