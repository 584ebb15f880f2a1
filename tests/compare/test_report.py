"""A study's page: from its runs, its own only; and nothing is clear where nothing was changed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.compare import table
from overcast.compare.report import compare, evaluate_missing, find, unfinished
from overcast.compare.statistics import two_way
from overcast.compare.trials import correct, trials
from overcast.errors import UserError
from overcast.runs import Run
from overcast.study import Study
from overcast.tracking import Store, open_store
from overcast.train import train

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking database: making one takes seconds."""
    return tmp_path_factory.mktemp("compare") / "mlflow.db"


@pytest.fixture
def store(home: Path, database: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Store:
    """An experiment of the test's own, where every command looks for it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    found = open_store({"enabled": True, "artifacts": str(home / "artifacts"), "uri": "", "experiment": ""})
    assert found is not None
    return found


def study_of(store: Store, key: str) -> Study:
    record = store.study(key, key.rpartition("-")[0], {"folder": "runs/studies", "command": "train -m"})
    return Study(key, key.rpartition("-")[0], record.id, 1, "runs/studies")


def test_a_study_is_found_by_name_id_and_parent(store: Store) -> None:
    with pytest.raises(UserError, match="there is no study yet"):
        find(store, "")
    old, new, other = (study_of(store, key) for key in ("small-1", "small-2", "models-1"))
    assert find(store, "").id == other.parent
    assert find(store, "small").id == new.parent
    for study in (old, new, other):
        assert find(store, study.id).id == find(store, study.parent).id == study.parent
    with pytest.raises(UserError, match=r"study=smal: there is no such study. The latest are: models-1, small-2"):
        find(store, "smal")


def test_a_study_becomes_a_page_of_its_own_runs(config: Any, store: Store, home: Path) -> None:
    study, tracked = study_of(store, "small-1"), dataclasses.asdict(study_settings())
    with pytest.raises(UserError, match="has no finished run yet"):
        compare()
    wanted = [(mitigation, seed) for mitigation in ("none", "noise") for seed in range(3)]
    for mitigation, seed in wanted:
        train(config("epochs=1", f"mitigation={mitigation}", f"seed={seed}") | {"tracking": tracked}, study)
    train(config("epochs=1", "mitigation=dropout") | {"tracking": tracked}, study_of(store, "other-1"))
    failed = {"role": "trial", "study": study.id, "identity": "lost", "mlflow.runName": "ann · noise · seed 9"}
    store.create("ann · noise · seed 9", failed, study.parent).end("FAILED")
    (home / "mine").mkdir()
    (home / "mine" / "table.csv").write_text("my own")
    with pytest.raises(UserError, match="out=mine: this folder holds other files"):
        compare("small", "mine")
    said = compare("small", "page")
    rows = pd.read_csv(home / "page" / "table.csv")
    assert sorted(rows["cell"]) == ["noise", "none"]
    assert list(rows["repeats"]) == [3, 3]
    assert f"/runs/{study.parent}" in said
    assert "report: page" in said
    artifacts = {item.path for item in store.client.list_artifacts(study.parent, "report")}
    assert {"report/table.csv"} <= artifacts
    assert "mlflow.note.content" in store.client.get_run(study.parent).data.tags
    assert unfinished(store, study.id, set()) == ["ann · noise · seed 9"]
    assert unfinished(store, study.id, {"lost"}) == []
    compare("small")
    assert (home / "reports" / "small-1" / "table.csv").read_text() == (home / "page" / "table.csv").read_text()


def test_an_official_test_part_counts_for_its_samples_too(config: Any, store: Store, home: Path) -> None:
    study, tracked = study_of(store, "official-1"), dataclasses.asdict(study_settings())
    runs: dict[str, list[Run]] = {"none": [], "noise": []}
    for seed in range(2):
        for name, found in runs.items():
            cfg = config("epochs=1", f"mitigation={name}", f"seed={seed}") | {"tracking": tracked}
            found.append(train(cfg, study))
            # the skies have none, but all these runs have the same fold
            found[-1].write_facts(found[-1].facts | {"official_test": True})
    compare("official", "page")
    answers = correct([run for found in runs.values() for run in found])
    known = {name: np.stack([answers[str(run.folder)] for run in found]).astype(float) for name, found in runs.items()}
    row = pd.read_csv(home / "page" / "table.csv").set_index("cell").loc["noise"]
    expected = two_way(known["noise"] - known["none"])
    ends = [row[f"change/test/accuracy/{end}"] for end in ("low", "high")]
    assert ends == pytest.approx([float(expected.low), float(expected.high)])
    assert "The test part is a fixed one" in (home / "page" / "report.html").read_text()


def study_settings() -> Any:
    from overcast.config import Tracking

    return Tracking()


def test_only_what_was_not_measured_is_measured(config: Any) -> None:
    runs = [train(config("epochs=1", f"seed={seed}")) for seed in range(2)]
    evaluate_missing(runs)
    measured = [run.folder / "evaluation" / "metrics.json" for run in runs]
    times = [path.stat().st_mtime_ns for path in measured]
    measured[0].unlink()
    evaluate_missing(runs)
    assert measured[0].exists()
    assert measured[1].stat().st_mtime_ns == times[1]


def twins(config: Any, repeats: int) -> pd.DataFrame:
    """The trials of `none`, and of `none` with other seeds on the same folds, called another cell."""
    runs: dict[str, list[Run]] = {"none": [], "none again": []}
    for cell, found in runs.items():
        for repeat in range(repeats):
            seed = repeat + 100 * (cell != "none")
            found.append(train(config("epochs=3", f"seed={seed}", f"split.fold={repeat}")))
        evaluate_missing(found)
    named = [trials(found).assign(cell=cell, mitigation=cell) for cell, found in runs.items()]
    both = pd.concat(named, ignore_index=True)
    return both.assign(repeat=[f"{fold}" for fold in both["fold"]])


def test_none_against_none_is_not_clear(config: Any) -> None:
    rows = twins(config, 6)
    assert rows["test/accuracy"].nunique() > 1
    compared = table(rows, {"baseline": "none", "folds": 10})
    assert list(compared["pairs"].sort_values()) == [0, 6]
    assert not compared["clear"].any()
