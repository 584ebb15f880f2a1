"""A run is found by folder, id or age, here or in MLflow's artifacts; what is not there is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.tracking import store
from overcast.tracking.find_run import find_run
from overcast.tracking.run_folder import FORMAT, Run


def test_found_by_folder_id_and_age(tmp_path: Path, written_run: Callable[..., Path]) -> None:
    runs = tmp_path / "runs"
    old, new = written_run(runs / "a", "id-a", age=10), written_run(runs / "sub" / "b", "id-b")
    assert find_run("latest", runs).folder == new
    assert find_run(str(old), runs).folder == old
    assert find_run("id-a", runs).folder == old


def test_what_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"no run in .*train one first"):
        find_run("latest", tmp_path / "runs")
    with pytest.raises(UserError, match=r"no run in .*train one first"):
        find_run("runs/none", tmp_path / "runs")
    monkeypatch.setattr(store, "open_store", lambda _: None)
    with pytest.raises(UserError, match="run=0123: no such folder, and no run of that id"):
        find_run("0123", tmp_path / "runs")


def test_where_a_run_is_looked_up_is_where_it_is_recorded_then(
    config: Any, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, written_run: Callable[..., Path]
) -> None:
    folder, asked = written_run(tmp_path / "runs" / "a"), []
    own = replace(config(), tracking=TrackingConfig(experiment="own"))
    (folder / "config.yaml").write_text(yaml.safe_dump(own.to_dict()))
    Run(folder).write_facts({})
    found = find_run(str(folder), tracking=["tracking.experiment=mine"])
    assert find_run(str(folder)).config.tracking.experiment == "own"
    assert found.config.tracking.experiment == "mine"
    assert found == find_run(str(folder))

    class Store:
        def find(self, run_id: str) -> bool:
            return run_id == "0123"

        def download(self, *_: Any) -> Path:
            return folder

    monkeypatch.setattr(store, "open_store", lambda settings: asked.append(settings.experiment) or Store())
    assert find_run("0123", tracking=["tracking.experiment=mine"]).config.tracking.experiment == "mine"
    assert find_run("0123").config.tracking.experiment == "overcast"
    assert asked == ["mine", "overcast"]


def test_the_latest_run_is_refused_where_another_version_wrote_it(
    tmp_path: Path, written_run: Callable[..., Path]
) -> None:
    folder = written_run(tmp_path / "runs" / "a", "abc")
    (folder / "run.json").write_text(json.dumps({"format": FORMAT + 1}))
    with pytest.raises(UserError, match="was written by a newer version of overcast"):
        find_run("latest", tmp_path / "runs")
