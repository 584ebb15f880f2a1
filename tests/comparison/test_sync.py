"""What was kept while MLflow was away is sent where it belongs; a study that ended meanwhile gets its verdict."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from overcast.comparison.sync import sync
from overcast.config.schema import TrackingConfig
from overcast.core.errors import UnreachableError
from overcast.core.hashes import CHECKSUM
from overcast.evaluation.evaluate import evaluate
from overcast.study.lookup import UNDESCRIBED
from overcast.study.trial import run_trial
from overcast.tracking.outbox import find_outboxes
from overcast.tracking.store import TrackingStore
from overcast.tracking.study_info import StudyInfo

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


@pytest.fixture
def opened(store: TrackingStore, home: Path) -> StudyInfo:
    """A study whose jobs are under way."""
    folder = home / "runs" / "studies" / "x-1"
    folder.mkdir(parents=True)
    return StudyInfo("x-1", "x", store.study("x-1", "x", {"folder": str(folder)}).id, 1, str(folder))


@pytest.fixture
def kept(
    config: Any, store: TrackingStore, opened: StudyInfo, tracking: TrackingConfig, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder of a trial that was trained and evaluated while the store was away, until its study ended."""

    def away(*_: Any) -> Any:
        raise UnreachableError("away")

    with monkeypatch.context() as patch:
        patch.setattr("overcast.study.trial.reopen_store", away)
        patch.setattr("overcast.evaluation.evaluate.reopen_store", away)
        run = run_trial(replace(config("epochs=1"), tracking=tracking), opened)
        evaluate(run, pictures=False)
    store.client.set_tag(opened.parent, "judged", '{"outcomes": ["nll", "accuracy"], "margins": {}}')
    Path(opened.folder, UNDESCRIBED).write_text(f"{tracking.uri}\n{tracking.experiment}")
    return run.folder


def test_all_is_sent_once(kept: Path, store: TrackingStore, opened: StudyInfo) -> None:
    synced = sync()
    assert (synced.left, synced.refused) == ([], [])
    assert f"{kept.name}: " in synced.lines[0]
    assert "Highest mean test accuracy" in synced.lines[1]
    (trial,) = store.search(role="trial")
    assert (trial.status, trial.tags["mlflow.parentRunId"]) == ("FINISHED", opened.parent)
    assert "test/accuracy" in trial.metrics
    assert "mlflow.note.content" in store.client.get_run(opened.parent).data.tags
    assert not Path(opened.folder, UNDESCRIBED).exists()
    assert sync().lines == sync(str(kept)).lines == []
    assert len(store.search(role="trial")) == 1


def test_what_is_not_sent_is_kept_and_said(
    kept: Path, store: TrackingStore, tracking_folder: Path, home: Path, tmp_path: Path
) -> None:
    (path,) = find_outboxes(kept)
    content = re.sub(f', "{CHECKSUM}": "[0-9a-f]+"', "", path.read_text())  # as a version without hashes wrote it
    path.write_text(content.replace(store.uri, "http://127.0.0.1:9"))
    (left,) = sync(str(kept)).left
    assert "cannot use the MLflow tracking store http://127.0.0.1:9" in left
    path.write_text("{")
    (left,) = sync(str(kept)).left
    assert f"{path.name} cannot be read" in left
    path.write_text(content)
    assert sync(str(kept), ["tracking=off"]).left == [f"{kept}: tracking is off"]
    parent = next(iter(store.search(role="study")))
    path.write_text(content.replace(parent.id, "0" * 32))
    (left,) = sync(str(kept), [f"tracking.uri={store.uri}", f"tracking.experiment={store.settings.experiment}"]).left
    assert f"this store has no MLflow run {'0' * 32}" in left
    assert len(store.search()) == 1
