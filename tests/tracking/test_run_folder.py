"""A run's folder: named, cleared, found again by folder, id or age; a half one is never taken for whole."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from overcast.config.run_config import RunConfig
from overcast.config.schema import StudyConfig, TrackingConfig
from overcast.core.atomic import OURS
from overcast.core.devices import Machine, resolve_devices
from overcast.core.errors import UserError
from overcast.core.locks import LOCK
from overcast.tracking import store
from overcast.tracking.run_folder import (
    FILES,
    FORMAT,
    NOT_IN_IDENTITY,
    RECORD,
    Run,
    check_folder,
    create_run,
    find_run,
    identity,
    load_run,
    run_name,
)


def fake(folder: Path, run_id: str = "", age: int = 0) -> Path:
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text("")
    facts = folder / "run.json"
    facts.write_text(json.dumps({"format": FORMAT, "id": run_id}))
    os.utime(facts, (1e9 - age, 1e9 - age))
    return folder


def same(config: RunConfig, fingerprint: str = "f", machine: Machine | None = None) -> str:
    """The identity of a run of this config on a machine."""
    return identity(config, fingerprint, resolve_devices(config.trainer, machine=machine))


def test_names(config: Any) -> None:
    cfg = config("model=lstm", "mitigation=[batch_norm,augmentation]", "seed=3")
    assert run_name(cfg) == "lstm · batch_norm+augmentation · seed 3"
    assert config("mitigation=[]").mitigation_name == config("mitigation=none").mitigation_name == "none"


def test_a_fresh_folder_each_time_or_the_one_named(config: Any, tmp_path: Path) -> None:
    one, other = create_run(config()).folder, create_run(config()).folder
    assert one != other
    assert one.parent == other.parent == tmp_path / "runs"
    assert all(word in one.name for word in ("skies", "ann", "none", "s0"))
    assert create_run(config(f"run={tmp_path}/mine")).folder == tmp_path / "mine"


def test_training_again_clears_what_the_run_left_and_nothing_else(config: Any, tmp_path: Path) -> None:
    folder = fake(tmp_path / "mine")
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


def test_identity_is_the_config_without_display_and_the_data(config: Any) -> None:
    base = same(config())
    assert same(config("trainer.threads=2")) == base
    assert same(replace(config(), tracking=TrackingConfig(enabled=False))) == base
    assert same(replace(config(), study=StudyConfig("small", 3))) == base
    for name in set(NOT_IN_IDENTITY) - {"trainer", "tracking", "study"}:
        assert same(replace(config(), **{name: "other"})) == base, name
    assert (
        same(replace(config(), split=replace(config().split, file="published.csv"))) == base
    )  # its parts are the data
    changed = [
        "seed=1",
        "lr=0.5",
        "epochs=9",
        "model=dnn",
        "mitigation=batch_norm",
        "model.hidden=7",
        "split.fold=1",
        "split.ignore_groups=true",
        "train_fraction=0.5",
        "shuffle_pixels=true",
        "trainer.precision=64-true",
        "trainer.devices=2",
    ]
    found = {same(config(override)) for override in changed}
    assert len(found | {base}) == len(changed) + 1
    assert same(config(), "g") != base


def test_identity_holds_what_auto_came_to(config: Any) -> None:
    """One machine's auto is another's full precision, and there they are the same run."""
    auto, full = config("trainer.precision=auto"), config("trainer.precision=32-true")
    half = config("trainer.precision=bf16-mixed")
    slow, fast = Machine(0, ()), Machine(0, ("cpu",))
    assert same(auto, machine=slow) == same(full, machine=slow) == same(full, machine=fast)
    assert same(auto, machine=fast) == same(half, machine=fast) == same(half, machine=slow)
    assert same(auto, machine=slow) != same(auto, machine=fast)


def test_the_order_of_mitigations_counts(config: Any) -> None:
    """They apply in the order chosen: two orders are two experiments."""
    one, other = (
        config(f"mitigation=[{a},{b}]") for a, b in (("augmentation", "batch_norm"), ("batch_norm", "augmentation"))
    )
    assert same(one) != same(other)


def test_found_by_folder_id_and_age(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    old, new = fake(runs / "a", "id-a", age=10), fake(runs / "sub" / "b", "id-b")
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
    config: Any, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, asked = fake(tmp_path / "runs" / "a"), []
    own = replace(config(), tracking=TrackingConfig(experiment="own"))
    (folder / "config.yaml").write_text(yaml.safe_dump(own.to_dict()))
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


@pytest.mark.parametrize("name", FILES)
def test_a_half_run_is_said(tmp_path: Path, name: str) -> None:
    folder = fake(tmp_path / "a")
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
def test_a_run_of_another_version_is_refused(tmp_path: Path, facts: object, said: str) -> None:
    folder = fake(tmp_path / "runs" / "a", "abc")
    (folder / "run.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=said):
        load_run(folder)
    with pytest.raises(UserError, match=said):
        find_run("latest", tmp_path / "runs")


def test_what_is_written_is_of_this_version(tmp_path: Path) -> None:
    folder = fake(tmp_path / "a")
    Run(folder).write_facts({"name": "n"})
    assert json.loads((folder / "run.json").read_text()) == {"format": FORMAT, "name": "n"}
    assert load_run(folder).facts["name"] == "n"
