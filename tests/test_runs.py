"""A run's folder: named, cleared, found again by folder, id or age; a half one is never taken for whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from overcast import tracking
from overcast.errors import UserError
from overcast.runs import DISPLAY, FILES, Run, create, find, identity, load, mitigation_name, run_name


def fake(folder: Path, run_id: str = "", age: int = 0) -> Path:
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text("")
    facts = folder / "run.json"
    facts.write_text(json.dumps({"id": run_id}))
    os.utime(facts, (1e9 - age, 1e9 - age))
    return folder


def test_names(config: Any) -> None:
    cfg = config("model=lstm", "mitigation=[batch_norm,augmentation]", "seed=3")
    assert run_name(cfg) == "lstm · batch_norm+augmentation · seed 3"
    assert mitigation_name(config("mitigation=[]")) == mitigation_name(config("mitigation=none")) == "none"


def test_a_fresh_folder_each_time_or_the_one_named(config: Any, tmp_path: Path) -> None:
    one, other = create(config()).folder, create(config()).folder
    assert one != other
    assert one.parent == other.parent == tmp_path / "runs"
    assert all(word in one.name for word in ("skies", "ann", "none", "s0"))
    assert create(config(f"run={tmp_path}/mine")).folder == tmp_path / "mine"


def test_training_again_clears_what_the_run_left_and_nothing_else(config: Any, tmp_path: Path) -> None:
    folder = fake(tmp_path / "mine")
    (folder / "notes.txt").write_text("keep")
    create(config(f"run={folder}")).clear()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file"):
        create(config(f"run={tmp_path}/file"))


def test_identity_is_the_config_without_display_and_the_data(config: Any) -> None:
    base = identity(config(), "f")
    assert identity(config("trainer.threads=2", "trainer.devices=2"), "f") == base
    for name in set(DISPLAY) - {"trainer"}:
        assert identity(config() | {name: "other"}, "f") == base, name
    changed = [
        "seed=1",
        "lr=0.5",
        "epochs=9",
        "model=dnn",
        "mitigation=batch_norm",
        "model.hidden=7",
        "split.fold=1",
        "split.random=true",
        "share=0.5",
        "shuffle=true",
        "trainer.precision=64-true",
    ]
    found = {identity(config(override), "f") for override in changed}
    assert len(found | {base}) == len(changed) + 1
    assert identity(config(), "g") != base


def test_the_order_of_mitigations_counts(config: Any) -> None:
    """They apply in the order picked: two orders are two experiments."""
    one, other = (
        config(f"mitigation=[{a},{b}]") for a, b in (("augmentation", "batch_norm"), ("batch_norm", "augmentation"))
    )
    assert identity(one, "f") != identity(other, "f")


def test_found_by_folder_id_and_age(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    old, new = fake(runs / "a", "id-a", age=10), fake(runs / "sub" / "b", "id-b")
    assert find("latest", runs).folder == new
    assert find(str(old), runs).folder == old
    assert find("id-a", runs).folder == old


def test_what_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"no run in .*train one first"):
        find("latest", tmp_path / "runs")
    with pytest.raises(UserError, match=r"no run in .*train one first"):
        find("runs/none", tmp_path / "runs")
    monkeypatch.setattr(tracking, "open_store", lambda _: None)
    with pytest.raises(UserError, match="run=0123: no such folder, and no run of that id"):
        find("0123", tmp_path / "runs")


def test_where_a_run_is_looked_up_is_where_it_is_recorded_then(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, asked = fake(tmp_path / "runs" / "a"), []
    (folder / "config.yaml").write_text("tracking: {experiment: own}\nsplit: {}\n")
    found = find(str(folder), tracking=["tracking.experiment=mine"])
    assert find(str(folder)).config["tracking"] == {"experiment": "own"}
    assert found.config["tracking"]["experiment"] == "mine"
    assert found == find(str(folder))

    class Store:
        def find(self, run_id: str) -> bool:
            return run_id == "0123"

        def download(self, *_: Any) -> Path:
            return folder

    monkeypatch.setattr(tracking, "open_store", lambda settings: asked.append(settings["experiment"]) or Store())
    assert find("0123", tracking=["tracking.experiment=mine"]).config["tracking"]["experiment"] == "mine"
    assert find("0123").config["tracking"]["experiment"] == "overcast"
    assert asked == ["mine", "overcast"]


@pytest.mark.parametrize("name", FILES)
def test_a_half_run_is_said(tmp_path: Path, name: str) -> None:
    folder = fake(tmp_path / "a")
    (folder / name).unlink()
    with pytest.raises(UserError, match=rf"not whole \({name} missing\)"):
        load(folder)


def test_files_are_written_whole(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write_facts({"id": "ü"})
    run.write("parts.csv", "part\ntrain\ntest\n")
    assert run.facts == {"id": "ü"}
    assert run.parts.tolist() == ["train", "test"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts.csv", "run.json"]


@pytest.mark.parametrize("first", [0, 1])
def test_epochs_count_from_1_in_older_runs_too(tmp_path: Path, first: int) -> None:
    run = Run(fake(tmp_path / "run"))
    run.write("history.csv", f"epoch,train/loss\n{first},2.5\n{first + 1},nan\n")
    assert run.history["epoch"].tolist() == [1, 2]
    assert run.history["train/loss"].tolist()[0] == 2.5
