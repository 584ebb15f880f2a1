"""A tracking database, made once, and a study in it for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from overcast import study as current_study
from overcast.study import Study
from overcast.tracking import Store, open_store


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tracking database: making one takes seconds."""
    return tmp_path_factory.mktemp("studies")


@pytest.fixture
def tracking(place: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    """An experiment of the test's own."""
    uri = f"sqlite:///{place}/mlflow.db"
    return {"enabled": True, "uri": uri, "artifacts": str(place / "artifacts"), "experiment": request.node.name}


@pytest.fixture
def store(tracking: dict[str, Any], home: Path) -> Store:
    found = open_store(tracking)
    assert found is not None
    return found


@pytest.fixture
def study(tmp_path: Path, store: Store) -> Iterator[Study]:
    """An open study of one job at a time."""
    folder = tmp_path / "runs" / "studies" / "x-1"
    (folder / "jobs").mkdir(parents=True)
    yield Study("x-1", "x", store.study("x-1", "x", {"folder": str(folder)}).id, 1, str(folder))
    current_study.enter(None)
