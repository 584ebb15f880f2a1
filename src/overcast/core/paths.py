"""Where the project is, and what lies in it, from wherever a command is typed."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
"""The project's folder, with conf/ and params.yaml in it."""

HOME = "OVERCAST_HOME"
"""The environment variable that names another folder for data/, runs/, reports/ and MLflow's files."""


def project_home() -> Path:
    """The folder in which data/, runs/, reports/ and MLflow's files lie: ``OVERCAST_HOME``, or the project's own."""
    return Path(os.environ.get(HOME) or ROOT).expanduser().resolve()


def project_path(path: str | Path) -> Path:
    """What the config calls ``path``: a relative one lies in the project's folder, or in ``OVERCAST_HOME``.

    It stays relative where the user stands there, so that messages are short; a path that the user typed for this
    command alone (``files=``, ``out=``, ``run=``) is relative to where the user stands, and not for this function.
    """
    return Path(path) if project_home() == Path.cwd() else project_home() / path
