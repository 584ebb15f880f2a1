"""A project that was moved, or copied, finds its artifacts beside its database; one that was not is left alone."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from overcast.tracking.relocate import relocate


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with what matters of MLflow's tables: an experiment, two runs with artifacts and one without."""
    folder = tmp_path / "my project"
    location = (folder / "mlartifacts").as_uri()
    for run in ("a", "b"):
        (folder / "mlartifacts" / run / "artifacts").mkdir(parents=True)
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection, connection:
        connection.execute("CREATE TABLE experiments (experiment_id INTEGER, artifact_location TEXT)")
        connection.execute("CREATE TABLE runs (run_uuid TEXT, artifact_uri TEXT)")
        connection.execute("INSERT INTO experiments VALUES (1, ?)", [location])
        runs = [(run, f"{location}/{run}/artifacts") for run in "abc"]
        connection.executemany("INSERT INTO runs VALUES (?, ?)", [*runs, ("other", "s3://bucket/other/artifacts")])
    return folder


def recorded(folder: Path) -> list[str]:
    """The experiment's address and those of its runs."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        found = connection.execute("SELECT artifact_location FROM experiments UNION ALL SELECT artifact_uri FROM runs")
        return [row[0] for row in found]


def address(folder: Path) -> str:
    return (folder / "mlartifacts").as_uri()


def open_in(folder: Path, location: str, artifacts: str = "mlartifacts") -> None:
    relocate(f"sqlite:///{folder}/mlflow.db", location, folder / artifacts)


def test_a_moved_project(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = project.rename(tmp_path / "elsewhere")
    open_in(new, address(project))
    here = address(new)
    assert recorded(new) == [here, *(f"{here}/{run}/artifacts" for run in "abc"), "s3://bucket/other/artifacts"]
    told = f"the artifacts of 3 runs, recorded in {project}/mlartifacts, are now found in {new}/mlartifacts"
    assert told in capsys.readouterr().err
    open_in(new, here)
    assert capsys.readouterr().err == ""


def test_a_copied_project_has_its_own_artifacts_where_it_has_them(project: Path, tmp_path: Path) -> None:
    new = tmp_path / "copy"
    shutil.copytree(project, new)
    shutil.rmtree(new / "mlartifacts" / "b")
    open_in(new, address(project))
    there, here = address(project), address(new)
    assert recorded(new)[:4] == [here, f"{here}/a/artifacts", f"{there}/b/artifacts", f"{there}/c/artifacts"]
    assert recorded(project)[0] == there


@pytest.mark.parametrize("case", ["unmoved", "renamed artifacts", "database elsewhere", "a server", "a bucket"])
def test_what_is_left_alone(project: Path, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = recorded(project)
    if case == "unmoved":
        open_in(project, address(project))
    if case == "renamed artifacts":  # another place was asked for: what is recorded in the first may come back
        shutil.rmtree(project / "mlartifacts")
        (project / "other").mkdir()
        open_in(project, address(project), "other")
    if case == "database elsewhere":  # two clones share it: the artifacts of the one are not those of the other
        (tmp_path / "clone" / "mlartifacts").mkdir(parents=True)
        relocate(f"sqlite:///{project}/mlflow.db", address(project), tmp_path / "clone" / "mlartifacts")
    if case == "a server":
        relocate("http://localhost:5000", address(project), project / "mlartifacts")
    if case == "a bucket":
        open_in(project, "s3://bucket/mlartifacts")
    assert recorded(project) == before


def test_a_database_that_does_not_let_itself_be_changed_stays_as_it_is(project: Path, tmp_path: Path) -> None:
    new = project.rename(tmp_path / "elsewhere")
    with closing(sqlite3.connect(new / "mlflow.db")) as connection, connection:
        connection.execute("ALTER TABLE experiments RENAME TO other")
        before = connection.execute("SELECT artifact_uri FROM runs").fetchall()
        open_in(new, address(project))
        assert connection.execute("SELECT artifact_uri FROM runs").fetchall() == before
