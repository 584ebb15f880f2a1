"""A strength is chosen in each fold by its validation part alone, never one that diverged before one that did not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from overcast.config.schema import StudyConfig
from overcast.core.errors import DivergedError, IncompatibleError, UserError
from overcast.core.paths import ROOT
from overcast.study import tuning
from overcast.study.trial import run_trial
from overcast.study.tuning import (
    Choice,
    best,
    choose,
    keep_choices,
    read_groups,
    record_choices,
    refuse_twice,
    validation,
)
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.tracking.study_info import StudyInfo
from overcast.training.train import train

FOLDS = StudyConfig(folds=3)
DIVERGED, FAILED = DivergedError("nan"), UserError("failed")


def dropout(*strengths: float, also: str = "") -> list[str]:
    return [f"mitigation=dropout mitigation.dropout.p={p}{also}" for p in strengths]


def test_the_lowest_mean_likelihood_loss_wins_and_accuracy_breaks_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = {"low": (0.1, 0.5), "mid": (0.5, 0.4), "same": (0.5, 0.3), "high": (0.9, 0.5)}
    monkeypatch.setattr(tuning, "validation", lambda run: scores[run.folder.name])
    low, mid, same, high = (Run(Path(name)) for name in scores)
    assert best({"x": [high], "y": [mid]}) == "y"
    assert best({"x": [mid], "y": [same]}) == "y"
    assert best({"x": [low, high], "y": [mid, same]}) == "y"  # 0.5 both; a half and 0.35 are wrong
    # one that diverged comes last, however well its other runs did; of such ones, the one with the fewest comes first
    assert best({"x": [low, DIVERGED], "y": [high, high]}) == "y"
    assert best({"x": [DIVERGED, DIVERGED], "y": [high, DIVERGED]}) == "y"
    assert best({"x": [DIVERGED], "y": [DIVERGED]}) == "x"  # the trial of this fold has diverged
    # one that failed otherwise has yet to be trained
    assert best({"x": [low, FAILED], "y": [high, high]}) == "y"
    assert best({"x": [low, None], "y": [FAILED, FAILED]}) == ""


def test_a_network_without_finite_answers_has_diverged(monkeypatch: pytest.MonkeyPatch) -> None:
    def validation(run: Run) -> tuple[float, float]:
        if run.folder.name == "broken":
            raise DIVERGED
        return 9.0, 0.9

    monkeypatch.setattr(tuning, "validation", validation)
    assert best({"x": [Run(Path("broken"))], "y": [Run(Path("poor"))]}) == "y"


def test_each_fold_and_point_of_the_grid_chooses_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "validation", lambda run: (float(run.folder.name), 0.5))
    (group,) = read_groups([dropout(0.1, 0.5)], FOLDS)
    mild, strong = group
    losses = {(0, 0, mild): 0.1, (0, 0, strong): 0.2, (0, 1, mild): 0.3, (0, 1, strong): 0.2, (1, 0, strong): 0.4}
    tried = {place: [Run(Path(str(loss)))] for place, loss in losses.items()}
    assert choose([group], {(0, 0, "mitigation=none"): [Run(Path("0"))], **tried}) == [
        Choice(0, 0, mild, "mitigation.dropout.p=0.1", 2),
        Choice(0, 1, strong, "mitigation.dropout.p=0.5", 2),
        Choice(1, 0, strong, "mitigation.dropout.p=0.5", 1),  # where the other does not go with the network
    ]


def test_what_all_candidates_have_is_no_strength_to_choose() -> None:
    (group,) = read_groups([dropout(0.1, 0.5, also=" lr=0.3")], FOLDS)
    assert list(group) == [f"{cell} role=tuning" for cell in dropout(0.1, 0.5, also=" lr=0.3")]
    assert list(group.values()) == ["mitigation.dropout.p=0.1", "mitigation.dropout.p=0.5"]


@pytest.mark.parametrize(
    ("tuned", "settings", "said"),
    [
        (dropout(0.1, 0.5), FOLDS, "give groups of two or more candidates each, as in"),
        ([dropout(0.1)], FOLDS, "give groups of two or more candidates each, as in"),
        ([[1, 2]], FOLDS, "give groups of two or more candidates each, as in"),
        ([dropout(0.1, 0.1)], FOLDS, "name the same strengths of the same mitigation with other values"),
        ([["mitigation=dropout", "mitigation=noise"]], FOLDS, "these do not: mitigation=dropout, mitigation=noise"),
        ([["mitigation=dropout", *dropout(0.1)]], FOLDS, "name the same strengths"),
        ([["mitigation=none lr=0.1", "mitigation=none lr=0.2"]], FOLDS, "name the same strengths"),
        ([dropout(0.1, 0.2), dropout(0.3, 0.4)], FOLDS, "has 2 groups of mitigation=dropout: make one of them"),
        ([dropout(0.1, 0.2)], StudyConfig(), "chosen in each fold, so set study.folds too"),
        ([dropout(0.1, 0.2)], StudyConfig(folds=4, budget="9min"), r"study\.budget=9min stops cells between folds"),
    ],
)
def test_what_is_no_choice_of_strengths_is_refused(tuned: list[Any], settings: StudyConfig, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_groups(tuned, settings)


def test_one_run_is_not_the_trial_of_two_cells() -> None:
    cells = ["mitigation=dropout", "mitigation=dropout mitigation.dropout.p=0.5 role=tuning"]
    with pytest.raises(UserError, match=r"mitigation=dropout and mitigation=dropout mitigation.dropout.p=0.5 are the"):
        refuse_twice(cells, ["a", "a"], cells[1:])
    refuse_twice(cells, ["a", "b"], cells[1:])
    refuse_twice(cells * 2, ["a", "b", IncompatibleError("x"), "c"], cells[1:])


@pytest.mark.filterwarnings("ignore:::mlflow")
@pytest.mark.filterwarnings("ignore:::sqlalchemy")
def test_chosen_runs_are_trials_until_another_is_chosen(store: TrackingStore, study: StudyInfo) -> None:
    def record(cell: str, fold: int, role: str) -> None:
        run = store.create("x", {"role": role, "study": study.id, "cell": cell}, study.parent)
        run.params({"fold": fold})

    for fold in (0, 1):
        record("none", fold, "trial")
        for cell in ("mild", "strong"):
            record(cell, fold, "tuning")
    mild, strong = (Choice(0, 0, "", f"mitigation.dropout.p={p}", 2) for p in (0.1, 0.5))

    def trials() -> dict[tuple[str, str], str]:
        found = store.search(study=study.id, role="trial")
        return {(run.tags["cell"], run.params["fold"]): run.tags.get("tuned", "") for run in found}

    for winners in ({("mild", 0): mild, ("strong", 1): strong}, {("mild", 0): mild, ("mild", 1): mild}):
        record_choices(store, study.id, winners, {"mild", "strong"})
        chosen = {(cell, str(fold)): won.strengths for (cell, fold), won in winners.items()}
        assert trials() == {("none", "0"): "", ("none", "1"): "", **chosen}
    assert len(store.search(study=study.id, role="tuning")) == 2


def test_a_candidate_is_measured_once(config: Any) -> None:
    """What was measured is known after its weights are gone, and not believed of others."""
    run = train(config("epochs=1", "role=tuning"))
    figures = validation(run)
    run.path("model.pt").unlink()
    assert validation(Run(run.folder)) == figures
    run.write("run.json", json.dumps({"weights": "others"}))
    with pytest.raises(UserError):
        validation(Run(run.folder))


@pytest.mark.filterwarnings("ignore:::mlflow")
@pytest.mark.filterwarnings("ignore:::sqlalchemy")
def test_a_choice_is_kept_where_the_store_is_away(
    config: Any, store: TrackingStore, study: StudyInfo, tracking: Any, home: Path
) -> None:
    asked = [replace(config("epochs=1", f"seed={seed}", "role=tuning"), tracking=tracking) for seed in range(2)]
    runs = [run_trial(each, study) for each in asked]
    (cell,) = {run.facts["cell"] for run in runs}
    keep_choices(runs[:1], {(cell, 0): Choice(0, 0, "", "p=0.1", 2)}, {cell})
    keep_choices(runs[1:], {}, {"another"})
    assert len(store.search(study=study.id, role="tuning")) == 2
    mark_orphaned_runs(store, asked[0].runs_dir)
    (chosen,) = store.search(study=study.id, role="trial")
    assert (chosen.id, chosen.tags["tuned"]) == (runs[0].facts["id"], "p=0.1")


def test_the_shipped_study_tries_as_many_strengths_of_each_mitigation() -> None:
    study = yaml.safe_load((ROOT / "conf/study/tuned.yaml").read_text())
    groups = read_groups(study["hydra"]["sweeper"]["tuned"], StudyConfig(**study["study"]))
    assert {len(group) for group in groups} == {3}
