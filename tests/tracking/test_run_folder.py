"""A run's folder: written whole, read as it was written; a half run is never taken for a whole one."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from overcast.core.errors import RemovedError, UserError
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import FILES, FORMAT, HASHED, REMOVED, Run


@pytest.mark.parametrize("name", FILES)
def test_a_half_run_is_said(tmp_path: Path, name: str, written_run: Callable[..., Path]) -> None:
    folder = written_run(tmp_path / "a")
    (folder / name).unlink()
    with pytest.raises(UserError, match=rf"not whole \({name} missing\)"):
        load_run(folder)


def test_files_are_written_whole(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write_facts({"id": "ü"})
    run.write("parts.csv", "part\ntrain\ntest\n")
    assert run.facts["id"] == "ü"
    assert run.parts.tolist() == ["train", "test"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts.csv", "record.json", "run.json"]


def test_a_record_of_other_weights_is_not_believed(config: Any, tmp_path: Path) -> None:
    """DVC restores the run's files, and leaves beside them what another training recorded."""
    run = Run(tmp_path)
    run.write_config(config("tags=[mine]"))
    assert run.record["settings"]["tags"] == list(run.config.tags) == ["mine"]
    run.write_facts({"id": "abc", "seconds": 3.0, "best/epoch": 1, "weights": "one"})
    run.write_record(id="def")
    assert (run.facts["id"], run.facts["seconds"], run.config.tags) == ("def", 3.0, ("mine",))
    run.write("run.json", json.dumps({"best/epoch": 1, "weights": "other"}))
    assert (run.facts["id"], run.facts["best/epoch"], run.record, run.config.tags) == ("", 1, {}, ())
    assert math.isnan(run.facts["seconds"])
    run.write_record(id="ghi")
    assert (run.facts["id"], run.config.tags) == ("ghi", ())


def test_the_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write("history.csv", "epoch,train/loss\n1,2.5\n2,nan\n")
    assert run.history["epoch"].tolist() == [1, 2]
    assert run.history["train/loss"].tolist()[0] == 2.5


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "was written by an older version of overcast: train it again"),
        ({"format": FORMAT + 1}, "was written by a newer version of overcast: upgrade overcast, or train it again"),
        ([], "is damaged"),
    ],
)
def test_a_run_of_another_version_is_refused(
    tmp_path: Path, facts: object, said: str, written_run: Callable[..., Path]
) -> None:
    folder = written_run(tmp_path / "runs" / "a", "abc")
    (folder / "run.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=said):
        load_run(folder)


def test_a_config_is_written_without_passwords(tmp_path: Path, config: Any) -> None:
    run = Run(tmp_path)
    run.write_config(
        config("mirror='http://me:hush@host/x'", "tracking.uri=http://me:hush@host", "tags=['x://a:hush@h']")
    )
    assert "hush" not in "".join(path.read_text() for path in tmp_path.iterdir())
    assert run.config.tracking.uri == "http://host"


def test_what_is_written_is_of_this_version(tmp_path: Path, written_run: Callable[..., Path]) -> None:
    folder = written_run(tmp_path / "a")
    Run(folder).write_facts({"name": "n"})
    written = json.loads((folder / "run.json").read_text())
    assert (written["format"], written["name"], set(written["files"])) == (FORMAT, "n", set(HASHED))
    assert load_run(folder).facts["name"] == "n"


def test_a_run_without_its_weights_is_whole_and_says_so(tmp_path: Path, written_run: Callable[..., Path]) -> None:
    run = Run(written_run(tmp_path / "a"))
    run.write_facts({"weights": "one"})
    run.mark_removed("a test", "2026-11-30T12:00:00+00:00")
    run.path("model.pt").unlink()
    assert load_run(run.folder).removed["reason"] == "a test"
    with pytest.raises(
        RemovedError, match=r"removed by gc on 2026-11-30; its figures and predictions are kept\. To train"
    ):
        load_run(run.folder).weights()
    run.path("history.csv").unlink()
    with pytest.raises(UserError, match=r"not whole \(history\.csv, model\.pt missing\)"):
        load_run(run.folder)
    run.write("history.csv", "")
    run.write_facts({"weights": "other"})  # trained anew, and killed
    with pytest.raises(UserError, match=r"not whole \(model\.pt missing\)"):
        load_run(run.folder)
    run.clear()
    assert not (run.folder / REMOVED).exists()
