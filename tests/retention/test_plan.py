"""What is needed is kept, each for its reason; the rest can go."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from overcast.core.locks import try_lock
from overcast.retention import needs, studies
from overcast.retention import plan as planning
from overcast.retention.plan import plan_removal
from overcast.retention.studies import CLAIM, UNDER_WAY, UNREPORTED, UNSENT
from overcast.study.tuning import VALIDATION
from overcast.tracking.run_folder import CHECKPOINT, Run
from overcast.tracking.store import TrackingStore

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

Trial = Callable[..., Run]
Reported = Callable[..., None]


def four(trial: Trial) -> list[Run]:
    """Two cells of two trials; dropout is better, but for the first of none, and another run is the latest."""
    runs = [
        trial("a", "none", 0, 0.1),
        trial("b", "none", 1, 2.0),
        trial("c", "dropout", 0, 0.5),
        trial("d", "dropout", 1, 0.5),
    ]
    latest = trial("by-hand", study_id="")
    os.utime(latest.folder / "run.json", (2e9, 2e9))
    return runs


def names(plan: planning.Plan) -> list[str]:
    return [each.run.folder.name for each in plan.going]


def test_the_best_cell_and_the_best_run_are_kept(trial: Trial, store: TrackingStore, reported: Reported) -> None:
    runs = four(trial)
    reported(4)
    plan = plan_removal(store)
    assert names(plan) == ["b"]
    assert plan.kept == {needs.BEST: 3, needs.LATEST: 1}
    size = (runs[1].folder / "model.pt").stat().st_size
    assert (plan.going[0].here, plan.going[0].in_mlflow, plan.going[0].why) == (size, size, planning.MEASURED)
    assert plan_removal(store, "other-1").going == []
    assert plan_removal(store, older_than=1e6).kept[planning.YOUNG] == 1


def test_a_study_is_over_and_reported_first(trial: Trial, store: TrackingStore, reported: Reported, study: Any) -> None:
    four(trial)
    assert plan_removal(store).kept[UNDER_WAY] == 4
    reported(3)
    assert plan_removal(store).kept[UNREPORTED] == 4
    reported(4, claim="depth")
    assert plan_removal(store).kept[CLAIM] == 4
    reported(4, claim="")
    with try_lock(Path(study.folder)):
        assert plan_removal(store).kept[UNDER_WAY] == 4
    (Path(study.folder) / "unsent-x.jsonl").write_text("")
    assert plan_removal(store).kept[UNSENT] == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda run, _: (run.folder / "unsent-x.jsonl").write_text(""), UNSENT),
        (lambda run, store: store.client.update_run(run.facts["id"], status="RUNNING"), UNDER_WAY),
        (lambda run, store: store.client.update_run(run.facts["id"], status="KILLED"), needs.NOT_FINISHED),
        (lambda run, store: store.client.delete_run(run.facts["id"]), needs.UNRECORDED),
        (lambda run, _: (run.folder / "evaluation" / "predictions.csv").unlink(), needs.UNMEASURED),
        (lambda run, _: (run.folder / "history.csv").write_text("other"), planning.UNREADABLE),
        (lambda run, _: (run.folder / "x.dvc").write_text("outs: [{path: model.pt}]"), needs.OF_DVC),
        (lambda run, store: store.create("y", {"role": "trial", "init_from": run.folder.name}), needs.STARTED_FROM),
    ],
)
def test_what_is_needed_otherwise_is_kept(
    trial: Trial, store: TrackingStore, reported: Reported, spoil: Callable[..., Any], why: str
) -> None:
    runs = four(trial)
    reported(4)
    spoil(runs[1], store)
    plan = plan_removal(store)
    assert "b" not in names(plan)
    assert plan.kept[why] == 1


def test_what_another_run_started_from(trial: Trial, store: TrackingStore, reported: Reported) -> None:
    """By its weights, whatever ``init_from`` called it."""
    four(trial)
    other = trial("e", study_id="")
    other.write_facts({**other.facts, "init_weights": other.facts["weights"]})
    reported(4)
    assert plan_removal(store).kept[needs.STARTED_FROM] == 5


def test_what_a_registered_model_was_made_from(
    trial: Trial, store: TrackingStore, reported: Reported, tmp_path: Path
) -> None:
    runs = four(trial)
    reported(4)
    store.client.create_registered_model("m-of-gc")
    store.client.create_model_version("m-of-gc", tmp_path.as_uri(), runs[1].facts["id"])
    assert plan_removal(store).kept[needs.REGISTERED] == 1
    store.client.delete_model_version("m-of-gc", "1")
    assert names(plan_removal(store)) == ["b"]


def test_runs_by_hand_are_asked_for(trial: Trial, store: TrackingStore, reported: Reported) -> None:
    four(trial)
    trial("e", study_id="")
    trial("f", study_id="", measured=False)
    reported(4)
    assert plan_removal(store).kept[planning.BY_HAND] == 2
    plan = plan_removal(store, by_hand=True)
    assert names(plan) == ["b", "e"]
    assert plan.kept[needs.UNMEASURED] == 1


def test_candidates_are_chosen_among_without_weights(trial: Trial, store: TrackingStore, reported: Reported) -> None:
    """A study that goes on chooses again: it takes what was measured once."""
    four(trial)
    unchosen, chosen = (
        trial("e", role="tuning", measured=False),
        trial("f", seed=2, nll=3.0, tuned="p=0.1", candidates="2"),
    )
    reported(5)
    assert plan_removal(store).kept[needs.UNMEASURED] == 2
    for run in (unchosen, chosen):
        run.write_record(**{VALIDATION: [0.5, 0.1]})
    plan = plan_removal(store)
    assert {each.run.folder.name: each.why for each in plan.going}["e"] == planning.UNCHOSEN
    assert needs.UNMEASURED not in plan.kept


def test_a_search_needs_no_weights_once_it_has_a_report(trial: Trial, store: TrackingStore, reported: Reported) -> None:
    four(trial)
    trial("e", study_id="s-1", role="search trial")
    search = store.study("s-1", "s", {}, role="search")
    search.end("FINISHED")
    reported(4)
    assert plan_removal(store).kept[UNREPORTED] == 1
    search.metrics({"search/trials": 3})
    assert names(plan_removal(store)) == ["b", "e"]
    assert studies.find_parent(store, "s").tags["study"] == "s-1"


def test_a_checkpoint_is_kept_until_its_trial_is_trained(trial: Trial, store: TrackingStore, home: Path) -> None:
    four(trial)
    left = Run(home / "runs" / "left")
    left.folder.mkdir()
    (left.folder / CHECKPOINT).write_bytes(b"x" * 10)
    left.write("record.json", json.dumps({"study": "x-1", "identity": "unknown"}))
    assert plan_removal(store).kept[planning.RESUMABLE] == 1
    left.write("record.json", json.dumps({"study": "x-1", "identity": "a"}))
    (going,) = plan_removal(store).going
    assert (going.run.folder.name, going.why, going.here, going.whole) == ("left", planning.TRAINED_SINCE, 10, False)


def test_damaged_figures_are_none(monkeypatch: pytest.MonkeyPatch, trial: Trial) -> None:
    run = trial("a")
    assert studies.has_figures(run)
    (run.folder / "evaluation" / "metrics.json").write_text("{}")
    assert not studies.has_figures(run)
    assert not studies.StudyNeeds("x").measured(run, SimpleNamespace(tags={"role": "trial"}))  # type: ignore[arg-type]
