"""The printed links open the study's own runs, by a saved view that groups them."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from overcast.tracking.store import RunInfo, TrackingStore
from overcast.tracking.study_info import StudyInfo
from overcast.tracking.ui_views import COMPARED, LOADED, links, means_view, trials_view

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


OUTCOMES = {"gap/nll": False, "test/nll": False, "test/macro_f1": True}


def test_a_view_shows_this_study_grouped_by_mitigation() -> None:
    shown = means_view("x-1", OUTCOMES)
    assert shown["searchFilter"] == "tags.study = 'x-1' and tags.role = 'trial'"
    assert shown["groupBy"]["groupByKeys"] == [{"mode": "param", "groupByData": "mitigation"}]
    assert (shown["orderByKey"], shown["orderByAsc"]) == ("params.`fold`", True)  # not the best ones


def test_it_is_said_where_mlflow_does_not_average_all_trials(store: TrackingStore, study: StudyInfo) -> None:
    trials = [RunInfo(str(number), "FINISHED", "", {}, {}, {}) for number in range(LOADED + 1)]
    told = "MLflow lists, draws and averages the first 100 of the 101 trials"
    assert told in links(store, study.id, study.parent, OUTCOMES, trials)
    assert told[:20] not in links(store, study.id, study.parent, OUTCOMES, trials[:LOADED])


def test_bars_stand_below_what_says_which_way_is_better() -> None:
    shown = means_view("x-1", OUTCOMES)
    bars = {each["metricKey"]: each["metricSectionId"] for each in shown["compareRunCharts"] if each["type"] == "BAR"}
    assert list(bars) == list(OUTCOMES)
    assert {metric: "higher is better" in section for metric, section in bars.items()} == OUTCOMES
    assert set(bars.values()) < {section["uuid"] for section in shown["compareRunSections"] if section["display"]}


def test_another_view_has_each_trial_by_itself_in_all_outcomes() -> None:
    shown = trials_view("x-1", OUTCOMES)
    (chart,) = shown["compareRunCharts"]
    assert "groupBy" not in shown
    assert chart["selectedMetrics"] == list(OUTCOMES)
    assert "params.`strengths`" in shown["selectedColumns"]


def test_links_save_the_view_and_compare_the_finished_runs(store: TrackingStore, study: StudyInfo) -> None:
    trials = [store.create("ann", {"role": "trial", "study": "x-1"}, study.parent) for _ in range(3)]
    trials[0].end("FINISHED")
    trials[1].end("FAILED")
    store.create("ann", {"role": "trial", "study": "other"}).end("FINISHED")
    text = links(store, study.id, study.parent, OUTCOMES)
    tags = store.client.get_experiment(store.experiment).tags
    for key, view in {"overcast-x-1": means_view, "overcast-x-1-trials": trials_view}.items():
        assert json.loads(tags[f"mlflow.sharedViewState.{key}"]) == view("x-1", OUTCOMES)
    lines = text.splitlines()
    assert len(lines) == 6
    assert f"`mlflow ui --backend-store-uri {store.uri}`" in lines[0]  # `make ui` opens the usual database
    store.uri = "sqlite:///mlflow.db"
    assert "`make ui`" in links(store, study.id, study.parent, OUTCOMES)
    assert all("workflowType=machine_learning" in line for line in lines[1:])
    assert "viewStateShareKey=overcast-x-1-trials&" in lines[3]
    assert f'runs=["{trials[0].id}"]&experiments=["{store.experiment}"]' in unquote(lines[4])
    assert f"/runs/{study.parent}" in lines[5]
    assert len(trials) < COMPARED
