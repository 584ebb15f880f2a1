"""Weights are gone from folder and MLflow; a kill at any moment leaves no run that is taken for whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from overcast.core.errors import DamagedError, RemovedError, UserError
from overcast.core.locks import try_lock
from overcast.evaluation.evaluate import evaluate
from overcast.retention import removal
from overcast.retention.plan import TAG, Weights, plan_removal
from overcast.retention.removal import remove
from overcast.study.lookup import finished_run
from overcast.tracking import run_artifacts
from overcast.tracking.find_run import find_run
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import CHECKPOINT, REMOVED, Run
from overcast.tracking.store import TrackingStore
from overcast.tracking.study_info import StudyInfo

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

Trial = Callable[..., Run]
Reported = Callable[..., None]


def artifacts(store: TrackingStore, run: Run) -> set[str]:
    return {each.path for each in store.client.list_artifacts(run.facts["id"], "run")}


@pytest.fixture
def going(trial: Trial, store: TrackingStore, reported: Reported) -> list[Weights]:
    """Of three trials that of the worse cell; the last one is the latest run, too."""
    trial("a", "none", 0, 2.0)
    trial("b", "dropout", 0, 0.1)
    trial("c", "dropout", 1, 0.1)
    reported(3)
    return plan_removal(store).going


def test_weights_go_and_all_else_stays(going: list[Weights], store: TrackingStore) -> None:
    (weights,) = going
    before = {path.name for path in weights.run.folder.iterdir()}
    size = weights.here
    removed = remove(going, store)
    assert (removed.runs, removed.here, removed.in_mlflow, removed.copies, removed.left) == (1, size, size, 0, [])
    run = load_run(weights.run.folder)
    assert {path.name for path in run.folder.iterdir()} == before - {"model.pt"} | {REMOVED, ".lock"}
    assert artifacts(store, run) & {"run/model.pt", f"run/{REMOVED}"} == {f"run/{REMOVED}"}
    assert store.client.get_run(run.facts["id"]).data.tags[TAG].startswith(run.removed["time"][:10])
    assert run.metrics["validation"]["nll"] == 2.0
    assert run.predictions
    assert plan_removal(store).going == []
    assert plan_removal(store).before == 1


def test_whoever_wants_the_weights_is_told(going: list[Weights], store: TrackingStore, study: StudyInfo) -> None:
    remove(going, store)
    folder = going[0].run.folder
    run = find_run(str(folder))
    with pytest.raises(RemovedError, match=rf"^the weights of the run in .*{folder.name} were removed by gc on 20"):
        run.weights()
    with pytest.raises(RemovedError, match=r"To train it again, remove the file removed\.json"):
        evaluate(run)
    found = finished_run(store, study, "trial", "a")
    assert found is not None
    assert found.folder.name == "a"  # the study goes on without training it again
    fetched_id = run.facts["id"]
    shutil.rmtree(folder)
    fetched = find_run(fetched_id, tracking=store.settings)
    with pytest.raises(RemovedError):
        fetched.weights()


def test_a_run_in_the_place_of_a_removed_one_has_its_weights(going: list[Weights], store: TrackingStore) -> None:
    remove(going, store)
    run = Run(going[0].run.folder)
    content = b"others"
    (run.folder / "model.pt").write_bytes(content)
    run.write_facts({**run.facts, "weights": run.weights_hash()})
    assert run.removed == {}
    assert run.weights() == content
    run.clear()
    assert not (run.folder / REMOVED).exists()


def test_what_gc_wrote_and_somebody_changed_is_damaged(going: list[Weights], store: TrackingStore) -> None:
    remove(going, store)
    path = going[0].run.folder / REMOVED
    path.write_text(path.read_text().replace('"time": "2', '"time": "1'))
    with pytest.raises(DamagedError, match=r"removed\.json was changed"):
        load_run(going[0].run.folder)


STEPS = {
    "before MLflow has the marker": ("add_artifact", False),
    "before the copy is deleted": ("delete_artifact", False),
    "before the file is deleted": ("delete_artifact", True),
    "before the tag is set": ("answering", False),
}
"""What is killed, and whether it has done its work."""


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_leaves_nothing_that_looks_whole_and_the_next_gc_goes_on(
    going: list[Weights], store: TrackingStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    name, done = STEPS[step]
    work = getattr(removal, name)

    def killed(*given: Any) -> None:
        if done:
            work(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(removal, name, killed)
        with pytest.raises(KeyboardInterrupt):
            remove(going, store)
    run = load_run(going[0].run.folder)
    with pytest.raises(RemovedError):
        run.weights()
    assert run.metrics
    left = plan_removal(store)
    assert [each.run for each in left.going] == [run]
    assert remove(left.going, store).left == []
    assert not (run.folder / "model.pt").exists()
    assert "run/model.pt" not in artifacts(store, run)
    assert plan_removal(store).going == []


def test_a_kill_before_the_marker_leaves_a_whole_run(
    going: list[Weights], store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            remove(going, store)
    assert load_run(going[0].run.folder).weights()


def test_one_at_work_is_left(going: list[Weights], store: TrackingStore, study: StudyInfo) -> None:
    for folder in (Path(study.folder), going[0].run.folder):
        with try_lock(folder):
            removed = remove(going, store)
        assert removed.runs == 0
        assert "another process is at work in" in removed.left[0]
        assert load_run(going[0].run.folder).weights()


def test_a_store_that_removes_nothing_is_told(
    going: list[Weights], store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any) -> None:
        raise NotImplementedError

    place = "mlflow.store.artifact.local_artifact_repo.LocalArtifactRepository.delete_artifacts"
    monkeypatch.setattr(place, refuses)
    removed = remove(going, store)
    assert (removed.runs, removed.copies, removed.in_mlflow) == (1, 1, 0)
    assert "this artifact store removes nothing" in store.client.get_run(going[0].run.facts["id"]).data.tags[TAG]
    assert plan_removal(store).going == []  # it is not tried for ever


def test_a_copy_that_cannot_be_removed_now_is_another_time(
    going: list[Weights], store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise OSError("no route to it")

    place = "mlflow.store.artifact.local_artifact_repo.LocalArtifactRepository.delete_artifacts"
    with monkeypatch.context() as patch:
        patch.setattr(place, away)
        removed = remove(going, store)
        with pytest.raises(UserError, match=r"^cannot remove run/model\.pt of the MLflow run .*: no route to it$"):
            run_artifacts.delete_artifact(store, going[0].run.facts["id"], "run/model.pt")
    assert removed.runs == 0
    assert "no route to it" in removed.left[0]
    assert len(plan_removal(store).going) == 1


def test_a_checkpoint_that_nobody_goes_on_from(store: TrackingStore, home: Path) -> None:
    run = Run(home / "runs" / "left")
    run.folder.mkdir(parents=True)
    (run.folder / CHECKPOINT).write_bytes(b"x")
    assert remove([Weights(run, "", whole=False)], store).here == 1
    assert not (run.folder / CHECKPOINT).exists()
    with pytest.raises(UserError, match="there is no run in"):
        load_run(run.folder)
