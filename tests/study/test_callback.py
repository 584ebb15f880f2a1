"""A study's parent run is open while its jobs run, is nobody else's, and has its last word whatever comes."""

from __future__ import annotations

import json
import pickle
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from flaky import FlakyClient
from overcast.config.schema import TrackingConfig
from overcast.config.script import Job, Session
from overcast.core.devices import Machine
from overcast.core.errors import NotRecordedError, UserError
from overcast.core.locks import is_locked
from overcast.study import callback as study_callback
from overcast.study.callback import StudyCallback
from overcast.study.lookup import UNDESCRIBED
from overcast.study.progress import read_states
from overcast.study.workers import Workers
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


SESSION = Session()

ONE = Workers(1, Machine(0, ()))
"""One run at a time, on a machine without a GPU."""


@pytest.fixture
def settings(config: Any, tmp_path: Path, tracking: TrackingConfig, home: Path) -> Any:
    """The config of a study's one cell."""
    return replace(config(), runs_dir=str(tmp_path / "runs"), tracking=tracking)


HYDRA: Any = OmegaConf.create({"hydra": {"job": {"num": 1}}, "study": {"budget": None}})
"""What Hydra tells of a job."""


def status(store: TrackingStore, run_id: str) -> str:
    return str(store.client.get_run(run_id).info.status)


def test_open_and_closed(settings: Any, store: TrackingStore, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    callback = StudyCallback()
    study = callback.open([settings], SESSION, ["a", "b"], ["seed=0"], 2, ONE)
    assert SESSION.study == study
    assert status(store, study.parent) == "RUNNING"
    (parent,) = store.search(study=study.id, role="study")
    assert (parent.tags["runs"], parent.tags["repeats"]) == ("2", "1")
    assert is_locked(Path(study.folder))
    with pytest.raises(UserError, match="another process is at work"):
        StudyCallback().open([settings], SESSION, ["a", "b"], ["seed=0"], 2, ONE)
    orphan = store.create("x", {"role": "trial", "study": study.id}, study.parent)
    callback.on_multirun_end(HYDRA)
    assert (status(store, study.parent), status(store, orphan.id)) == ("FINISHED", "KILLED")
    assert "the study" in capsys.readouterr().out
    assert not is_locked(Path(study.folder))
    assert signal.getsignal(signal.SIGTERM) == before
    assert SESSION.study is None
    callback._close("KILLED")  # at exit: the last word was said
    assert status(store, study.parent) == "FINISHED"

    again = StudyCallback()
    assert again.open([settings], SESSION, ["a", "b"], ["seed=0"], 2, ONE).parent == study.parent
    SESSION.errors.append(UserError("2 of 3 failed"))
    again.on_multirun_end(HYDRA)
    SESSION.errors.clear()
    assert status(store, study.parent) == "FAILED"


def test_cut_short(settings: Any, store: TrackingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = StudyCallback()
    study = callback.open([settings], SESSION, ["a"], [], 1, ONE)
    trial = store.create("x", {"role": "trial", "study": study.id}, study.parent)
    with pytest.raises(SystemExit) as end:
        signal.raise_signal(signal.SIGTERM)
    assert end.value.code == 143
    before = signal.getsignal(signal.SIGINT)
    callback._close("KILLED")
    signal.signal(signal.SIGINT, before)
    assert (status(store, study.parent), status(store, trial.id)) == ("KILLED", "KILLED")


def test_a_store_that_cannot_be_reached_leaves_nothing_held(settings: Any, tmp_path: Path) -> None:
    settings = replace(settings, tracking=replace(settings.tracking, uri="mongodb://x"))
    with pytest.raises(UserError, match="cannot use the MLflow tracking store"):
        StudyCallback().open([settings], SESSION, ["a"], [], 1, ONE)
    (folder,) = (tmp_path / "runs" / "studies").iterdir()
    assert not is_locked(folder)


def no_room(*_: Any) -> None:
    raise UserError("No space left")


def test_jobs_leave_their_state_by_their_number_in_the_study(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = StudyCallback()
    study = callback.open([settings], SESSION, ["a"], [], 1, ONE)
    callback.numbers = [4, 7]
    job = Job(lambda config, session: None, Session())
    try:
        callback.on_job_start(HYDRA, job)
        assert job.session.study == study
        assert read_states(study) == {7: ("running", "")}
        callback.on_job_end(HYDRA, SimpleNamespace(_return_value=UserError("no luck")))  # type: ignore[arg-type]
        assert read_states(study) == {7: ("failed", "no luck")}
        callback.on_job_end(HYDRA, SimpleNamespace(_return_value=None))  # type: ignore[arg-type]
        assert read_states(study) == {7: ("done", "")}
        monkeypatch.setattr(study_callback, "set_state", no_room)
        callback.parent_process = 0  # as in a worker
        callback.on_job_start(HYDRA, job)
        callback.on_job_end(HYDRA, SimpleNamespace(_return_value=None))  # type: ignore[arg-type]
        assert callback.output == []
        travelled = pickle.loads(pickle.dumps(callback))
        assert (travelled.study, travelled.numbers, travelled.record) == (study, [4, 7], None)
        assert travelled.study.machine == ONE.machine
    finally:
        callback.on_multirun_end(HYDRA)


def test_a_verdict_that_cannot_be_told_costs_the_study_nothing(
    settings: Any, store: TrackingStore, capsys: pytest.CaptureFixture[str]
) -> None:
    def describe(store: TrackingStore, study: str) -> str:
        raise UserError("no run")

    callback = StudyCallback()
    study = callback.open([settings], SESSION, ["a"], [], 1, ONE)
    callback.tell_verdict(describe)
    callback.on_multirun_end(HYDRA)
    assert status(store, study.parent) == "FINISHED"
    told = f"overcast: no verdict yet (no run); `python pipelines/compare.py study={study.id}` tells it"
    assert capsys.readouterr().err.strip() == told


def test_a_store_that_goes_away_before_the_end_gets_it_later(
    settings: Any, store: TrackingStore, capsys: pytest.CaptureFixture[str]
) -> None:
    callback = StudyCallback()
    study = callback.open([settings], SESSION, ["a"], [], 1, ONE)
    trial = store.create("x", {"role": "trial", "study": study.id, "folder": "runs/t"}, study.parent)
    (Path(settings.runs_dir) / "t").mkdir()
    flaky = FlakyClient(callback.store.client, 0)
    callback.store.client = callback.record.client = trial.client = flaky
    trial.end("FINISHED")
    callback.leave_out([(settings, UserError("does not fit"))])

    def describe(store: TrackingStore, study: str) -> str:
        return str(store.search(study=study))

    callback.deliver()
    callback.tell_verdict(describe)
    callback.on_multirun_end(HYDRA)
    out, err = capsys.readouterr()
    assert "not all in MLflow yet: `python pipelines/sync.py` sends what is left in 2 folders" in out
    assert "no verdict yet (cannot use the MLflow tracking store" in err
    assert (Path(study.folder) / UNDESCRIBED).read_text() == f"{store.uri}\n{store.settings.experiment}"
    assert (status(store, study.parent), status(store, trial.id)) == ("RUNNING", "RUNNING")
    again = StudyCallback()
    again.open([settings], SESSION, ["a"], [], 1, ONE)
    assert "does not fit" in store.client.get_run(study.parent).data.tags["left_out"]
    assert (status(store, study.parent), status(store, trial.id)) == ("RUNNING", "FINISHED")
    again.on_multirun_end(HYDRA)
    assert status(store, study.parent) == "FINISHED"


def test_what_mlflow_refused_of_a_whole_run_is_no_failure(settings: Any, store: TrackingStore, tmp_path: Path) -> None:
    callback = StudyCallback()
    study = callback.open([settings], SESSION, ["a"], [], 1, ONE)
    callback.numbers = [0, 1]
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.note_refused(["metric 'x' (why)"])
    SESSION.errors.append(NotRecordedError("x"))
    try:
        callback.on_job_end(OmegaConf.merge(HYDRA, {"role": "tuning"}), SimpleNamespace(_return_value=run))  # type: ignore[arg-type]
        assert read_states(study) == {1: ("done", "metric 'x' (why)")}
    finally:
        callback.on_multirun_end(HYDRA)
        SESSION.errors.clear()
    assert status(store, study.parent) == "FINISHED"


def test_a_single_run_is_no_study(settings: Any) -> None:
    callback = StudyCallback()
    job = Job(lambda config, session: None, Session())
    callback.on_job_start(HYDRA, job)
    callback.on_job_end(HYDRA, SimpleNamespace(_return_value=None))  # type: ignore[arg-type]
    assert job.session.study is None


def test_one_that_grows_after_its_report_is_said_to_be_extended(settings: Any, store: TrackingStore) -> None:
    named = replace(settings, study=replace(settings.study, name="x"))

    def opened(repeats: list[str]) -> dict[str, str]:
        callback = StudyCallback()
        study = callback.open([named], SESSION, ["a"], repeats, len(repeats), ONE)
        callback.on_multirun_end(HYDRA)
        return dict(store.client.get_run(study.parent).data.tags, parent=study.parent)

    parent = opened(["seed=0"])["parent"]
    assert "extended" not in opened(["seed=0", "seed=1"])
    store.client.set_tag(parent, "reported", "2")
    assert "extended" not in opened(["seed=0", "seed=1"])
    assert opened(["seed=0", "seed=1", "seed=2"])["extended"] == "2"


def test_what_is_judged_is_written_down_before_the_first_trial(settings: Any, store: TrackingStore) -> None:
    """A study that is resumed with other outcomes keeps what was planned."""
    changed = replace(settings, study=replace(settings.study, outcomes=("macro_f1",), margins={"macro_f1": 0.01}))
    for each in (settings, changed):
        callback = StudyCallback()
        study = callback.open([each], SESSION, ["a"], [], 1, ONE)
        callback.on_multirun_end(HYDRA)
    tags = store.client.get_run(study.parent).data.tags
    assert json.loads(tags["planned"]) == {"outcomes": ["nll", "accuracy"], "margins": {}}
    assert json.loads(tags["judged"]) == {"outcomes": ["macro_f1"], "margins": {"macro_f1": 0.01}}
    assert tags["data"] == "skies"


def test_a_design_that_is_changed_later_is_beside_the_one_that_was_planned(settings: Any, store: TrackingStore) -> None:
    budget = replace(settings, study=replace(settings.study, name="x", folds=6, budget="1h"))
    whole = replace(settings, study=replace(settings.study, name="x", folds=6))
    told = []
    for each in (budget, whole):
        callback = StudyCallback()
        study = callback.open([each], SESSION, ["a"], [], 1, ONE)
        callback.on_multirun_end(HYDRA)
        tags = store.client.get_run(study.parent).data.tags
        told.append((tags["planned_looks"], tags["looks"], tags["planned_design"]))
    assert told == [("4 6", "4 6", "one_at_a_time"), ("4 6", "", "one_at_a_time")]
