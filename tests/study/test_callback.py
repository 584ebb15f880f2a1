"""A study's parent run is open while its jobs run, is nobody else's, and has its last word whatever comes."""

from __future__ import annotations

import pickle
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from overcast.config.schema import TrackingConfig
from overcast.config.script import Job, Session
from overcast.core.devices import Machine
from overcast.core.errors import UserError
from overcast.core.locks import is_locked
from overcast.study.callback import StudyCallback, study_id
from overcast.study.progress import read_states
from overcast.study.workers import Workers
from overcast.tracking.store import TrackingStore

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


SESSION = Session()

ONE = Workers(1, Machine(0, ()))
"""One run at a time, on a machine without a GPU."""


@pytest.fixture
def settings(tmp_path: Path, tracking: TrackingConfig, home: Path) -> Any:
    """What the callback reads of a config."""
    hydra = {"job": {"num": 1}}
    return OmegaConf.create(
        {
            "study": {"name": None, "folds": None},
            "runs_dir": str(tmp_path / "runs"),
            "tracking": dict(vars(tracking)),
            "hydra": hydra,
        }
    )


def status(store: TrackingStore, run_id: str) -> str:
    return str(store.client.get_run(run_id).info.status)


def test_open_and_closed(settings: Any, store: TrackingStore, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    callback = StudyCallback()
    study = callback.open(settings, SESSION, ["a", "b"], ["seed=0"], 2, ONE)
    assert SESSION.study == study
    assert status(store, study.parent) == "RUNNING"
    assert is_locked(Path(study.folder))
    with pytest.raises(UserError, match="another process is at work"):
        StudyCallback().open(settings, SESSION, ["a", "b"], ["seed=0"], 2, ONE)
    orphan = store.create("x", {"role": "trial", "study": study.id}, study.parent)
    callback.on_multirun_end(settings)
    assert (status(store, study.parent), status(store, orphan.id)) == ("FINISHED", "KILLED")
    assert "the study" in capsys.readouterr().out
    assert not is_locked(Path(study.folder))
    assert signal.getsignal(signal.SIGTERM) == before
    assert SESSION.study is None
    callback._close("KILLED")  # at exit: the last word was said
    assert status(store, study.parent) == "FINISHED"

    again = StudyCallback()
    assert again.open(settings, SESSION, ["a", "b"], ["seed=0"], 2, ONE).parent == study.parent
    SESSION.errors.append(UserError("2 of 3 failed"))
    again.on_multirun_end(settings)
    SESSION.errors.clear()
    assert status(store, study.parent) == "FAILED"


def test_cut_short(settings: Any, store: TrackingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = StudyCallback()
    study = callback.open(settings, SESSION, ["a"], [], 1, ONE)
    trial = store.create("x", {"role": "trial", "study": study.id}, study.parent)
    with pytest.raises(SystemExit) as end:
        signal.raise_signal(signal.SIGTERM)
    assert end.value.code == 143
    before = signal.getsignal(signal.SIGINT)
    callback._close("KILLED")
    signal.signal(signal.SIGINT, before)
    assert (status(store, study.parent), status(store, trial.id)) == ("KILLED", "KILLED")


def test_a_store_that_cannot_be_reached_leaves_nothing_held(settings: Any, tmp_path: Path) -> None:
    settings.tracking.uri = "mongodb://x"
    with pytest.raises(UserError, match="cannot use the MLflow tracking store"):
        StudyCallback().open(settings, SESSION, ["a"], [], 1, ONE)
    (folder,) = (tmp_path / "runs" / "studies").iterdir()
    assert not is_locked(folder)


def test_jobs_leave_their_state_by_their_number_in_the_study(settings: Any) -> None:
    callback = StudyCallback()
    study = callback.open(settings, SESSION, ["a"], [], 1, ONE)
    callback.numbers = [4, 7]
    job = Job(lambda config, session: None, Session())
    try:
        callback.on_job_start(settings, job)
        assert job.session.study == study
        assert read_states(study) == {7: ("running", "")}
        callback.on_job_end(settings, SimpleNamespace(_return_value=UserError("no luck")))  # type: ignore[arg-type]
        assert read_states(study) == {7: ("failed", "no luck")}
        callback.on_job_end(settings, SimpleNamespace(_return_value=None))  # type: ignore[arg-type]
        assert read_states(study) == {7: ("done", "")}
        travelled = pickle.loads(pickle.dumps(callback))
        assert (travelled.study, travelled.numbers, travelled.record) == (study, [4, 7], None)
        assert travelled.study.machine == ONE.machine
    finally:
        callback.on_multirun_end(settings)


def test_a_single_run_is_no_study(settings: Any) -> None:
    callback = StudyCallback()
    job = Job(lambda config, session: None, Session())
    callback.on_job_start(settings, job)
    callback.on_job_end(settings, SimpleNamespace(_return_value=None))  # type: ignore[arg-type]
    assert job.session.study is None


def test_the_same_runs_are_the_same_study() -> None:
    assert study_id("x", ["a", "b"], ["seed=0"]) == study_id("x", ["a", "b"], ["seed=0"])
    others = [
        ("x", ["a", "c"], ["seed=0"]),
        ("x", ["a"], ["seed=0"]),
        ("x", ["a", "b"], ["seed=1"]),
        ("y", ["a", "b"], ["seed=0"]),
    ]
    assert len({study_id(*other) for other in others} | {study_id("x", ["a", "b"], ["seed=0"])}) == 5


def test_the_command_is_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    from overcast.study.callback import command

    monkeypatch.setattr(sys, "argv", ["/somewhere/pipelines/train.py", "with", "picks"])
    assert command(Session(["-m", "seed=0,1"])) == "python pipelines/train.py -m seed=0,1"
