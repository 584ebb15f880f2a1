"""A run has one record, whatever became of the first try to make it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flaky import FlakyClient
from overcast.tracking.delivery import deliver_all, unsent_files
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.tracking.study_info import StudyInfo
from overcast.training.recording import open_record

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


def test_a_trial_that_the_store_made_without_answering_is_the_one_that_is_recorded_later(
    store: TrackingStore, study: StudyInfo, config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    client = store.client
    store.client = FlakyClient(client, 10**9, loses="create_run")
    asked = replace(config(), tracking=store.settings)
    record = open_record(store, asked, Run(folder), "x", {"role": "trial"}, study)
    assert record.id == ""
    record.end("FINISHED")
    store.client = client
    deliver_all(client, store.uri, unsent_files(tmp_path / "runs"))
    assert [run.status for run in store.search(role="trial")] == ["FINISHED"]
