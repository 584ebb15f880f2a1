"""A study's runs are found again by what they are, whole ones only; earlier ones tell how long the next will take."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.devices import choose
from overcast.errors import UserError
from overcast.evaluation.evaluate import evaluate
from overcast.fit import pack_of
from overcast.paths import HOME
from overcast.runs import identity
from overcast.study import Study
from overcast.study.lookup import _try_out, children, fetch, finished, seconds_of
from overcast.tracking import Store
from overcast.train import train

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


def test_a_finished_run_is_found_by_what_it_is(config: Any, store: Store, study: Study, tracking: Any) -> None:
    first = train(config("epochs=1") | {"tracking": tracking}, study)
    fingerprint = first.facts["fingerprint"]

    def found(*overrides: str, **changed: Any) -> Any:
        asked = config("epochs=1", *overrides) | changed
        same = identity(asked, changed.get("fingerprint", fingerprint), choose(asked["trainer"], 1))
        return finished(store, study, asked["role"], same)

    assert found().folder == first.folder
    assert found("trainer.threads=2", "tags=[x]", "runs_dir=other").folder == first.folder
    assert found("seed=9") is None
    assert found("epochs=2") is None
    assert found("trainer=ddp", "trainer.precision=32-true") is None
    assert found(role="tuning") is None
    assert found(fingerprint="other data") is None
    same = first.facts["identity"]
    assert finished(store, Study("y-1", "y", "", 1, ""), "trial", same) is None
    assert finished(None, study, "trial", same) is None
    again = train(config("epochs=1") | {"tracking": tracking}, study)
    assert again.folder == first.folder

    for status in ("FAILED", "KILLED"):
        store.client.set_terminated(first.facts["id"], status)
        assert found() is None
    store.client.set_terminated(first.facts["id"], "FINISHED")
    first.path("model.pt").unlink()
    assert found() is None


def test_children_are_the_whole_runs_once_each(config: Any, store: Store, study: Study, tracking: Any) -> None:
    runs = [train(config("epochs=1", f"seed={seed}") | {"tracking": tracking}, study) for seed in range(2)]
    store.client.set_terminated(runs[0].facts["id"], "FAILED")
    again = train(config("epochs=1", "seed=0") | {"tracking": tracking}, study)
    store.client.set_terminated(runs[0].facts["id"], "FINISHED")  # two of a kind now
    train(config("epochs=1", "seed=5") | {"tracking": tracking})  # of no study
    assert {run.folder for run in children(store, study.id)} == {again.folder, runs[1].folder}
    shutil.rmtree(runs[1].folder)
    assert {run.folder for run in children(store, study.id)} == {again.folder}
    assert children(store, "y-1") == []


def test_a_run_is_found_after_its_project_moved_or_by_its_artifacts(
    config: Any, store: Store, study: Study, tracking: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "project").mkdir()
    monkeypatch.chdir(home / "project")
    monkeypatch.setenv(HOME, str(home / "project"))
    asked = [config("epochs=1", f"seed={seed}", "runs_dir=runs") for seed in range(2)]
    runs = [train(cfg | {"tracking": tracking}, study) for cfg in asked]
    evaluate(runs[1], pictures=False)
    same, names = runs[0].facts["identity"], [run.folder.name for run in runs]
    monkeypatch.chdir((home / "project").rename(home / "elsewhere"))
    monkeypatch.setenv(HOME, str(home / "elsewhere"))
    assert [run.folder.resolve().parent for run in children(store, study.id)] == [home / "elsewhere" / "runs"] * 2
    again = finished(store, study, "trial", same)
    assert again
    assert again.config["tracking"] == tracking

    # what lies in the place of another run is not taken for it
    Path("runs", names[0]).rename(home / "away")
    Path("runs", names[1]).rename(Path("runs", names[0]))
    assert finished(store, study, "trial", same) is None
    assert children(store, study.id) == []
    (home / "fetched").mkdir()
    fetched = children(store, study.id, home / "fetched")
    assert [run.config["seed"] for run in fetched] == [0, 1]
    assert [(run.folder / "evaluation" / "metrics.json").exists() for run in fetched] == [False, True]
    (record,) = (found for found in store.search(study=study.id, role="trial") if found.id == fetched[0].facts["id"])
    shutil.rmtree(Path(tracking["artifacts"]) / record.id)
    (home / "again").mkdir()
    assert fetch(record, store, home / "again") is None


def test_a_run_that_could_not_be_recorded_is_no_silent_gap_in_its_study(
    config: Any, store: Store, study: Study, tracking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overcast.tracking.MlflowRecord.dataset", lambda record, *_: setattr(record, "broken", "gone"))
    with pytest.raises(UserError, match=r"stopped taking records \(gone\), and a study .*: run it again"):
        train(config("epochs=1") | {"tracking": tracking}, study)
    assert children(store, study.id) == []
    monkeypatch.undo()
    again = train(config("epochs=1") | {"tracking": tracking}, study)
    assert children(store, study.id) == [again]


def test_the_time_comes_from_runs_like_it_or_from_a_few_steps(config: Any, store: Store) -> None:
    asked = config("epochs=7", "model=ann")
    tried = seconds_of(store, asked, 2)
    assert tried is not None
    assert 0 < tried < 10
    for jobs, share, seconds in (
        ("2", "1.0", 100),
        ("2", "1.0", 120),
        ("2", "1.0", 500),
        ("1", "1.0", 5),
        ("2", "0.5", 6),
    ):
        record = store.create("x", {"role": "trial", "jobs": jobs})
        record.params({"data": "skies", "model": "ann", "epochs": 7, "share": share, "batch_size": 16})
        record.metrics({"cost/seconds": seconds})
        record.end("FINISHED")
    assert seconds_of(store, asked, 2) == 120


def test_the_steps_are_tried_on_samples_of_every_class(config: Any, gathered: list[np.ndarray]) -> None:
    cfg = config("batch_size=10", "model=ann")
    assert _try_out(cfg, 1) > 0
    assert np.bincount(pack_of(cfg).labels[gathered[0]]).tolist() == [2, 2, 2, 2, 2]


def test_no_guess_where_the_network_fails(config: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("out of luck")

    monkeypatch.setattr("overcast.model.ann.ANN.loss", fails)
    assert seconds_of(store, config(), 1) is None
