"""A study's runs are found again by what they are, whole ones only; earlier ones tell how long the next will take."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from overcast.core.devices import resolve_devices
from overcast.core.errors import DamagedError, UnreachableError
from overcast.core.paths import HOME
from overcast.evaluation.evaluate import evaluate
from overcast.prediction.trained_network import open_config_pack
from overcast.study.lookup import (
    CELL_LENGTH,
    _try_out,
    estimated_seconds,
    fetch,
    finished_run,
    planned_trials,
    whole_runs,
)
from overcast.study.trial import run_trial
from overcast.tracking.identity import identity
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.tracking.study_info import StudyInfo
from overcast.training.train import train

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


def test_a_finished_run_is_found_by_what_it_is(
    config: Any, store: TrackingStore, study: StudyInfo, tracking: Any
) -> None:
    first = run_trial(replace(config("epochs=1"), tracking=tracking), study)

    def found(*overrides: str, role: str = "trial", fingerprint: str = first.facts["fingerprint"]) -> Any:
        asked = config("epochs=1", *overrides)
        return finished_run(store, study, role, identity(asked, fingerprint, resolve_devices(asked.trainer, 1)))

    assert found().folder == first.folder
    assert found("trainer.threads=2", "tags=[x]", "runs_dir=other").folder == first.folder
    assert found("seed=9") is None
    assert found("epochs=2") is None
    assert found("trainer=ddp", "trainer.precision=32-true") is None
    assert found(role="tuning").folder == first.folder  # a candidate that was chosen is a trial
    assert found(fingerprint="other data") is None
    same = first.facts["identity"]
    assert finished_run(store, StudyInfo("y-1", "y", "", 1, ""), "trial", same) is None
    assert finished_run(None, study, "trial", same) is None
    again = run_trial(replace(config("epochs=1"), tracking=tracking), study)
    assert again.folder == first.folder

    for status in ("FAILED", "KILLED"):
        store.client.set_terminated(first.facts["id"], status)
        assert found() is None
    store.client.set_terminated(first.facts["id"], "FINISHED")
    first.write("parts.csv", "part\n")
    assert found() is None
    first.path("model.pt").unlink()
    assert found() is None


def test_a_damaged_run_is_trained_again_by_its_study_and_reported_by_a_comparison(
    config: Any, store: TrackingStore, study: StudyInfo, tracking: Any, tmp_path: Path
) -> None:
    first = run_trial(replace(config("epochs=1"), tracking=tracking), study)
    (fetched := tmp_path / "fetched").mkdir()
    first.write("parts.csv", first.path("parts.csv").read_text().replace("test", "train"))
    (copy,) = whole_runs(store, planned_trials(store, study.id), fetched)
    assert copy.folder.is_relative_to(fetched)  # MLflow's artifacts have a whole one
    assert (copy.parts == "test").any()
    shutil.rmtree(urlsplit(store.client.get_run(first.facts["id"]).info.artifact_uri).path)
    (again := tmp_path / "again").mkdir()
    with pytest.raises(DamagedError, match=rf"{first.folder} was changed or damaged .*parts\.csv.*study's own command"):
        whole_runs(store, planned_trials(store, study.id), again)
    assert whole_runs(store, planned_trials(store, study.id)) == []  # as a resumed study looks
    second = run_trial(replace(config("epochs=1"), tracking=tracking), study)
    assert second.folder != first.folder
    (last := tmp_path / "last").mkdir()
    assert [run.folder for run in whole_runs(store, planned_trials(store, study.id), last)] == [second.folder]


def test_children_are_the_whole_runs_once_each(
    config: Any, store: TrackingStore, study: StudyInfo, tracking: Any
) -> None:
    runs = [run_trial(replace(config("epochs=1", f"seed={seed}"), tracking=tracking), study) for seed in range(2)]
    store.client.set_terminated(runs[0].facts["id"], "FAILED")
    again = run_trial(replace(config("epochs=1", "seed=0"), tracking=tracking), study)
    store.client.set_terminated(runs[0].facts["id"], "FINISHED")  # two of a kind now
    train(replace(config("epochs=1", "seed=5"), tracking=tracking))  # of no study
    assert {run.folder for run in whole_runs(store, planned_trials(store, study.id))} == {again.folder, runs[1].folder}
    shutil.rmtree(runs[1].folder)
    assert {run.folder for run in whole_runs(store, planned_trials(store, study.id))} == {again.folder}
    assert whole_runs(store, planned_trials(store, "y-1")) == []


def test_cells_that_are_no_longer_planned_are_left_out(
    config: Any, store: TrackingStore, study: StudyInfo, tracking: Any
) -> None:
    asked = [config("epochs=1", f"lr={lr}", f"seed={seed}") for lr in (0.1, 0.2) for seed in (0, 1)]
    asked = [replace(each, tracking=tracking) for each in asked]
    runs = [run_trial(each, study) for each in asked]
    cells = [run.facts["cell"] for run in runs]
    assert cells[0] == cells[1] != cells[2]
    store.study(study.id, "x", {"cells": cells[0][:CELL_LENGTH]})
    assert {run.folder for run in whole_runs(store, planned_trials(store, study.id))} == {
        run.folder for run in runs[:2]
    }


def test_a_run_is_found_after_its_project_moved_or_by_its_artifacts(
    config: Any, store: TrackingStore, study: StudyInfo, tracking: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "project").mkdir()
    monkeypatch.chdir(home / "project")
    monkeypatch.setenv(HOME, str(home / "project"))
    asked = [config("epochs=1", f"seed={seed}", "runs_dir=runs") for seed in range(2)]
    runs = [run_trial(replace(cfg, tracking=tracking), study) for cfg in asked]
    evaluate(runs[1], pictures=False)
    same, names = runs[0].facts["identity"], [run.folder.name for run in runs]
    monkeypatch.chdir((home / "project").rename(home / "elsewhere"))
    monkeypatch.setenv(HOME, str(home / "elsewhere"))
    assert [run.folder.resolve().parent for run in whole_runs(store, planned_trials(store, study.id))] == [
        home / "elsewhere" / "runs"
    ] * 2
    again = finished_run(store, study, "trial", same)
    assert again
    assert again.config.tracking == tracking

    # what lies in the place of another run is not taken for it
    Path("runs", names[0]).rename(home / "away")
    Path("runs", names[1]).rename(Path("runs", names[0]))
    assert finished_run(store, study, "trial", same) is None
    assert whole_runs(store, planned_trials(store, study.id)) == []
    (home / "fetched").mkdir()
    fetched = whole_runs(store, planned_trials(store, study.id), home / "fetched")
    assert [run.config.seed for run in fetched] == [0, 1]
    assert [(run.folder / "evaluation" / "metrics.json").exists() for run in fetched] == [False, True]
    (record,) = (found for found in store.search(study=study.id, role="trial") if found.id == fetched[0].facts["id"])
    shutil.rmtree(Path(tracking.artifacts) / record.id)
    (home / "again").mkdir()
    assert fetch(record, store, home / "again") is None


def test_a_store_that_is_away_in_a_study_s_middle_costs_it_nothing(
    config: Any, store: TrackingStore, study: StudyInfo, tracking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trials are whole in their folders, found there, evaluated there, and in MLflow once that answers."""
    asked = replace(config("epochs=1"), tracking=tracking)

    def away(*_: Any) -> Any:
        raise UnreachableError("away")

    monkeypatch.setattr("overcast.study.trial.reopen_store", away)
    monkeypatch.setattr("overcast.evaluation.evaluate.reopen_store", away)
    run = run_trial(asked, study)
    evaluate(run, pictures=False)
    assert run.facts["id"] == ""
    assert run_trial(asked, study) == run  # found in its folder
    assert run_trial(replace(asked, seed=1), study) != run
    monkeypatch.undo()
    assert run_trial(asked, study) == run  # found, though nothing was sent yet
    assert store.search(study=study.id, role="trial") == []
    evaluate(run, pictures=False)
    mark_orphaned_runs(store, asked.runs_dir)
    trials = planned_trials(store, study.id)
    assert [trial.status for trial in trials] == ["FINISHED"] * 2
    assert whole_runs(store, trials) == [run, run_trial(replace(asked, seed=1), study)]
    (first,) = (trial for trial in trials if trial.id == Run(run.folder).facts["id"])
    assert first.tags["mlflow.parentRunId"] == study.parent
    assert first.metrics["test/accuracy"] == pytest.approx(run.metrics["test"]["accuracy"], rel=1e-4)
    assert len(store.client.get_metric_history(first.id, "train/nll")) == 1


def test_the_time_comes_from_runs_like_it_or_from_a_few_steps(config: Any, store: TrackingStore) -> None:
    asked = config("epochs=7", "model=ann")
    tried = estimated_seconds(store, asked, 2)
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
        record.params({"data": "skies", "model": "ann", "epochs": 7, "train_fraction": share, "batch_size": 16})
        record.metrics({"cost/seconds": seconds})
        record.end("FINISHED")
    assert estimated_seconds(store, asked, 2) == 120


def test_the_steps_are_tried_on_samples_of_every_class(config: Any, gathered: list[np.ndarray]) -> None:
    cfg = config("batch_size=10", "model=ann")
    assert _try_out(cfg, 1) > 0
    assert np.bincount(open_config_pack(cfg).labels[gathered[0]]).tolist() == [2, 2, 2, 2, 2]


def test_no_guess_where_the_network_fails(config: Any, store: TrackingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("out of luck")

    monkeypatch.setattr("overcast.model.ann.ANN.loss", fails)
    assert estimated_seconds(store, config(), 1) is None
