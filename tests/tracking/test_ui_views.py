"""The printed links open the study's own runs, by a saved view that groups them."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from overcast.tracking.store import TrackingStore
from overcast.tracking.study_info import StudyInfo
from overcast.tracking.ui_views import COMPARED, links, view

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


def test_the_view_shows_this_study_grouped_by_mitigation() -> None:
    shown = view("x-1")
    assert shown["searchFilter"] == "tags.study = 'x-1' and tags.role = 'trial'"
    assert shown["groupBy"]["groupByKeys"] == [{"mode": "param", "groupByData": "mitigation"}]
    assert (shown["orderByKey"], shown["orderByAsc"]) == ("metrics.`test/accuracy`", False)


def test_links_save_the_view_and_compare_the_finished_runs(store: TrackingStore, study: StudyInfo) -> None:
    trials = [store.create("ann", {"role": "trial", "study": "x-1"}, study.parent) for _ in range(3)]
    trials[0].end("FINISHED")
    trials[1].end("FAILED")
    store.create("ann", {"role": "trial", "study": "other"}).end("FINISHED")
    text = links(store, study.id, study.parent)
    saved = store.client.get_experiment(store.experiment).tags["mlflow.sharedViewState.overcast-x-1"]
    assert json.loads(saved) == view("x-1")
    lines = text.splitlines()
    assert len(lines) == 5
    assert f"`mlflow ui --backend-store-uri {store.uri}`" in lines[0]  # `make ui` opens the usual database
    store.uri = "sqlite:///mlflow.db"
    assert "`make ui`" in links(store, study.id, study.parent)
    assert all("workflowType=machine_learning" in line for line in lines[1:3])
    assert f'runs=["{trials[0].id}"]&experiments=["{store.experiment}"]' in unquote(lines[3])
    assert f"/runs/{study.parent}" in lines[4]
    assert len(trials) < COMPARED
