"""The folder to train into: nothing is lost in it but what a run left there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from overcast.core.atomic import OURS
from overcast.core.errors import UserError
from overcast.core.locks import LOCK
from overcast.tracking.create_run import check_folder, create_run
from overcast.tracking.run_folder import RECORD, Run


def test_a_fresh_folder_each_time_or_the_one_named(config: Any, tmp_path: Path) -> None:
    one, other = create_run(config()).folder, create_run(config()).folder
    assert one != other
    assert one.parent == other.parent == tmp_path / "runs"
    assert all(word in one.name for word in ("skies", "ann", "none", "s0"))
    assert create_run(config(f"run={tmp_path}/mine")).folder == tmp_path / "mine"


def test_training_again_clears_what_the_run_left_and_nothing_else(
    config: Any, tmp_path: Path, written_run: Callable[..., Path]
) -> None:
    folder = written_run(tmp_path / "mine")
    (folder / "notes.txt").write_text("keep")
    (folder / "fit-profile.txt").write_text("a profiler would add to it")
    create_run(config(f"run={folder}")).clear()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_what_is_no_run_is_not_trained_into(config: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    mine = tmp_path / "mine"
    (mine / "evaluation").mkdir(parents=True)
    (data / "skies").mkdir(parents=True)
    (tmp_path / "file").touch()
    for folder, said in ((tmp_path / "file", "is a file"), (mine, r"no run's \(evaluation\)"), (tmp_path, "no run's"),
                         (data / "skies", "where the data is"), (data / "new", "where the data is")):  # fmt: skip
        with pytest.raises(UserError, match=said):
            check_folder(folder, data, tmp_path / "runs")
    (mine / "evaluation").rmdir()
    check_folder(mine, data, tmp_path / "runs")
    check_folder(tmp_path / "new", data, tmp_path / "runs")
    check_folder(tmp_path / "runs" / "new", tmp_path, tmp_path / "runs")
    for text in ("defaults: [model]\n", "model: resnet", "model: {_target_: torchvision.models.resnet18}", "[", ""):
        (mine / "config.yaml").write_text(text)
        with pytest.raises(UserError, match=r"no run's \(config\.yaml\)"):
            check_folder(mine, data, tmp_path / "runs")


def test_a_run_may_be_trained_into_again_whatever_is_left_of_it(config: Any, tmp_path: Path) -> None:
    """DVC removes what a stage makes before it runs again, but neither the evaluation nor the record."""
    run = Run(tmp_path / "mine")
    (run.folder / "evaluation").mkdir(parents=True)
    run.path("evaluation/metrics.json").write_text("{}")
    run.path(LOCK).touch()
    run.path("fit-profile-0.txt").touch()
    run.path(f".evaluation{OURS}0123456789abcdef.part").mkdir()  # of an evaluation that was killed
    check_folder(run.folder, tmp_path / "data", tmp_path / "runs")
    run.path("notes.txt").touch()
    run.write_config(config())
    check_folder(run.folder, tmp_path / "data", tmp_path / "runs")
    run.path("config.yaml").unlink()
    check_folder(run.folder, tmp_path / "data", tmp_path / "runs")
    run.path(RECORD).unlink()
    with pytest.raises(UserError, match=r"no run's \(notes\.txt\)"):
        check_folder(run.folder, tmp_path / "data", tmp_path / "runs")
