"""What the config calls a path lies in the project, wherever one stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from overcast.core.paths import HOME, ROOT, project_path


def test_a_relative_path_lies_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOME, raising=False)
    monkeypatch.chdir(tmp_path)
    assert project_path("data") == ROOT / "data"
    assert (ROOT / "params.yaml").is_file()
    assert project_path("/there/data") == Path("/there/data")
    monkeypatch.chdir(ROOT)
    assert project_path("data") == Path("data")


def test_or_in_the_folder_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(tmp_path))
    assert project_path("data") == tmp_path / "data"
    monkeypatch.chdir(tmp_path)
    assert project_path("data") == Path("data")
