"""A study's page: from its runs, its own only; and nothing is clear where nothing was changed."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.tracking._tracking_service.utils import _artifact_repos_cache
from scipy import stats

from overcast.comparison import comparison_table, families
from overcast.comparison.compare import compare, describe_study
from overcast.comparison.study_record import evaluate_missing, find_study, unfinished_trials
from overcast.comparison.trials import answers, trials
from overcast.config.compose import compose_tracking
from overcast.config.schema import TrackingConfig
from overcast.core.errors import DivergedError, RemovedError, UserError
from overcast.core.paths import HOME
from overcast.statistics.estimates import two_way
from overcast.statistics.verdicts import Verdict
from overcast.study.lookup import planned_trials, whole_runs
from overcast.study.trial import run_trial
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import HASHED, Run
from overcast.tracking.store import TrackingStore, open_store
from overcast.tracking.study_info import StudyInfo
from overcast.training.train import train

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking database: making one takes seconds."""
    return tmp_path_factory.mktemp("compare") / "mlflow.db"


@pytest.fixture
def store(home: Path, database: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> TrackingStore:
    """An experiment of the test's own, where every command looks for it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    found = open_store(TrackingConfig(uri="", artifacts=str(home / "artifacts"), experiment=""))
    assert found is not None
    return found


def study_of(store: TrackingStore, key: str) -> StudyInfo:
    record = store.study(key, key.rpartition("-")[0], {"folder": "runs/studies", "command": "train -m"})
    return StudyInfo(key, key.rpartition("-")[0], record.id, 1, "runs/studies")


def test_a_study_is_found_by_name_id_and_parent(store: TrackingStore) -> None:
    with pytest.raises(UserError, match="there is no study yet in the experiment"):
        find_study(store, "")
    old, new, other = (study_of(store, key) for key in ("small-1", "small-2", "models-1"))
    assert find_study(store, "").id == other.parent
    assert find_study(store, "small").id == new.parent
    for study in (old, new, other):
        assert find_study(store, study.id).id == find_study(store, study.parent).id == study.parent
    with pytest.raises(UserError, match=r"study=smal: there is no such study. The latest are: models-1, small-2"):
        find_study(store, "smal")


def test_of_several_studies_the_one_that_ran_last_counts(store: TrackingStore) -> None:
    """Not the one that was created last: one that is resumed runs again."""
    first, second, other = (study_of(store, key) for key in ("small-1", "small-2", "models-1"))
    assert find_study(store, "").id == other.parent
    assert study_of(store, "small-1").parent == first.parent  # resumed
    assert find_study(store, "").id == find_study(store, "small").id == first.parent
    store.client.delete_tag(second.parent, "opened")  # from before this was noted: it counts as of its creation
    assert find_study(store, "").id == first.parent
    study_of(store, "small-2")
    assert find_study(store, "small").id == second.parent


def test_studies_are_looked_for_where_trainings_record(home: Path, store: TrackingStore, monkeypatch: Any) -> None:
    mine = compose_tracking(["tracking.experiment=mine"])
    assert mine == replace(compose_tracking(), experiment="mine")
    with pytest.raises(UserError, match="tracking=off: a study is found by its records"):
        compare(tracking=["tracking=off"])
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    study_of(open_store(mine) or store, "small-1")
    with pytest.raises(UserError, match="there is no study yet in the experiment other"):
        compare(tracking=["tracking.experiment=other"])
    with pytest.raises(UserError, match="the study small-1 has no finished run yet"):
        compare(tracking=["tracking.experiment=mine"])
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "other")  # MLflow's own variables win
    with pytest.raises(UserError, match="there is no study yet in the experiment other"):
        compare(tracking=["tracking.experiment=mine"])


@pytest.mark.parametrize(
    ("version", "said"), [("", "an older version of overcast: run its"), ("99", "a newer version")]
)
def test_a_study_of_another_format_is_refused_in_one_line(store: TrackingStore, version: str, said: str) -> None:
    study = study_of(store, "small-1")
    if version:
        store.client.set_tag(study.parent, "format", version)
    else:  # as all were at first
        store.client.delete_tag(study.parent, "format")
    with pytest.raises(UserError, match=f"The study small-1 was written by {said}"):
        compare("small")


def test_a_study_whose_project_moved(
    config: Any, home: Path, store: TrackingStore, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By folder, then by artifacts; what is gone is counted; and nothing is written where the project was."""

    def at(place: Path) -> TrackingStore:
        monkeypatch.chdir(place)
        monkeypatch.setenv(HOME, str(place))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}/mlflow.db")
        _artifact_repos_cache.clear()  # as in a process of its own
        found = open_store(compose_tracking())
        assert found is not None
        return found

    old, new = home / "project", home / "elsewhere"
    old.mkdir()
    shutil.copy(database, old / "mlflow.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "moved")
    study, machines = study_of(at(old), "small-1"), iter(["one core", "a GPU", "a GPU"])
    monkeypatch.setattr("overcast.training.train.machine", lambda gpus: next(machines))
    cfg = [config("epochs=1", f"seed={seed}", "runs_dir=runs") for seed in range(3)]
    runs = [run_trial(replace(one, tracking=compose_tracking()), study) for one in cfg]
    ids = [run.facts["id"] for run in runs]
    old.rename(new)
    moved = at(new)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("overcast.study.lookup.fetch", None)  # no artifact is asked for
        compare("small", "page")
    assert list(pd.read_csv("page/table.csv")["repeats"]) == [3]
    assert not old.exists()
    assert moved.download(study.parent, "report", home).is_dir()
    text = Path("page/report.html").read_text(encoding="utf8").rsplit("<footer>", 1)[1]
    assert "<dt>trained on</dt><dd>a GPU (2 of 3 runs) and one core (1 of 3 runs)</dd>" in text
    assert f"torch {moved.client.get_run(ids[0]).data.tags['version.torch']}" in text

    shutil.rmtree(runs[0].folder)
    shutil.rmtree(runs[1].folder)
    shutil.rmtree(new / "mlartifacts" / ids[1])
    compare("small", "page")
    assert list(pd.read_csv("page/table.csv")["repeats"]) == [2]
    told = "Not found: 1 of this study's finished runs (ann · none · seed 1)."
    assert told in moved.client.get_run(study.parent).data.tags["mlflow.note.content"]
    shutil.rmtree(new / "mlartifacts")
    shutil.rmtree(new / "runs")
    with pytest.raises(UserError, match="has 3 finished runs, but they are not found: neither folders such as runs/"):
        compare("small")


READ_ONCE = ("run.json", "record.json", "evaluation/metrics.json")


@contextmanager
def opened_files() -> Iterator[Counter[str]]:
    """How often each file is opened inside the block."""
    opened: Counter[str] = Counter()
    counting = True

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        if counting and event == "open" and isinstance(arguments[0], str | Path):
            opened[str(Path(arguments[0]).absolute())] += 1

    sys.addaudithook(count)  # which cannot be removed
    yield opened
    counting = False


def test_a_study_becomes_a_page_of_its_own_runs(config: Any, store: TrackingStore, home: Path) -> None:
    study, tracked = study_of(store, "small-1"), study_settings()
    with pytest.raises(UserError, match="has no finished run yet"):
        compare()
    wanted = [(mitigation, seed) for mitigation in ("none", "noise") for seed in range(3)]
    for mitigation, seed in wanted:
        run_trial(replace(config("epochs=1", f"mitigation={mitigation}", f"seed={seed}"), tracking=tracked), study)
    run_trial(replace(config("epochs=1", "mitigation=dropout"), tracking=tracked), study_of(store, "other-1"))
    failed = {"role": "trial", "study": study.id, "identity": "lost", "mlflow.runName": "ann · noise · seed 9"}
    store.create("ann · noise · seed 9", failed, study.parent).end("FAILED")
    (home / "mine").mkdir()
    (home / "mine" / "table.csv").write_text("my own")
    with pytest.raises(UserError, match="out=mine: this folder holds other files"):
        compare("small", "mine")
    said = compare("small", "page").text
    rows = pd.read_csv(home / "page" / "table.csv")
    assert sorted(rows["cell"]) == ["noise", "none"]
    assert list(rows["repeats"]) == [3, 3]
    assert f"/runs/{study.parent}" in said
    assert "majority: " in said  # beside what needs no network
    assert set(rows["verdict/test/accuracy"].dropna()) <= set(Verdict)
    assert "report: page" in said
    artifacts = {item.path for item in store.client.list_artifacts(study.parent, "report")}
    assert {"report/table.csv"} <= artifacts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("overcast.comparison.compare.noise_sections", None)  # no part of a page is made
        assert said.startswith(f"{describe_study(store, study.id)}\n")
    assert "mlflow.note.content" in store.client.get_run(study.parent).data.tags
    assert unfinished_trials(planned_trials(store, study.id), set()) == ["ann · noise · seed 9"]
    assert unfinished_trials(planned_trials(store, study.id), {"lost"}) == []
    with opened_files() as opened:
        compare("small")
    runs = whole_runs(store, planned_trials(store, study.id))
    assert len(runs) == 6
    assert {opened[f"{run.folder.absolute()}/{name}"] for run in runs for name in READ_ONCE} == {1}
    hashed_and_read = {opened[f"{run.folder.absolute()}/{name}"] for run in runs for name in HASHED}
    assert hashed_and_read <= {1, 2}
    assert (home / "reports" / "small-1" / "table.csv").read_text() == (home / "page" / "table.csv").read_text()


def test_an_official_test_part_counts_for_its_samples_too(config: Any, store: TrackingStore, home: Path) -> None:
    study, tracked = study_of(store, "official-1"), study_settings()
    runs: dict[str, list[Run]] = {"none": [], "noise": []}
    for seed in range(2):
        for name, found in runs.items():
            cfg = replace(config("epochs=1", f"mitigation={name}", f"seed={seed}"), tracking=tracked)
            found.append(run_trial(cfg, study))
            # the skies have none, but all these runs have the same fold
            found[-1].write_facts(found[-1].facts | {"official_test": True})
    compare("official", "page")
    stored = answers([run for found in runs.values() for run in found])
    row = pd.read_csv(home / "page" / "table.csv").set_index("cell").loc["noise"]
    of_noise, of_none = (
        np.stack([stored[str(run.folder)]["test/nll"] for run in runs[name]]) for name in ("noise", "none")
    )
    seeds_alone = abs((of_noise - of_none).mean(1).std(ddof=1) / np.sqrt(2))
    low, high = (row[f"change/test/nll/{end}"] for end in ("low", "high"))
    expected = two_way(of_noise - of_none)
    assert row["change/test/nll"] == pytest.approx(float(expected.mean), rel=1e-3)
    assert expected.standard_error > 1.01 * seeds_alone
    two = stats.t.isf((1 - 0.95**0.5) / 2, 1)  # one comparison in two outcomes, each with an error of its own
    assert (high - low) / 2 / two == pytest.approx(float(expected.standard_error), rel=0.02)
    assert "Where the test part is a fixed one" in (home / "page" / "report.html").read_text()


def test_diverged_trials_are_listed_and_the_rest_is_compared(
    config: Any, store: TrackingStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, tracked = study_of(store, "far-1"), study_settings()
    usual = ["epochs=1", "model=cnn", "model.width=4"]
    with pytest.raises(DivergedError):
        run_trial(replace(config(*usual, "lr=1e10"), tracking=tracked), study)
    with pytest.raises(UserError, match=r"has no finished run: 1 diverged \(the loss is not finite in epoch 1"):
        compare("far", "page")
    for seed in range(2):
        run = run_trial(replace(config(*usual, f"seed={seed}"), tracking=tracked), study)
    state = torch.load(run.path("model.pt"), weights_only=True)
    state["net"]["head.bias"].fill_(float("nan"))  # as an older version left it, that did not look
    torch.save(state, run.path("model.pt"))
    run.write_facts(run.facts | {"weights": run.weights_hash()})
    said = compare("far", "page").text
    assert "none · lr=10000000000.0: 1 of 2 repeats diverged (the loss is not finite in epoch 1, step " in said
    assert "none · lr=0.01: 1 of 2 repeats diverged (the training of the run in " in said
    assert list(pd.read_csv(home / "page" / "table.csv")["cell"]) == ["none · lr=0.01"]
    assert "never called better" in (home / "page" / "report.html").read_text()
    (failed,) = store.search("FAILED", study=study.id)
    assert failed.tags["diverged"] == "true"
    assert failed.tags["reason"].startswith("the loss is not finite in epoch 1, step ")
    assert unfinished_trials(planned_trials(store, study.id), set()) == []


def test_a_failed_trial_is_named_with_its_reason(
    config: Any, store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, tracked = study_of(store, "bad-1"), study_settings()

    def fails(*_: Any) -> None:
        raise ValueError("out of luck\nand more")

    monkeypatch.setattr("overcast.model.ann.ANN.loss", fails)
    with pytest.raises(ValueError, match="out of luck"):
        run_trial(replace(config(), tracking=tracked), study)
    assert unfinished_trials(planned_trials(store, study.id), set()) == ["ann · none · seed 0 (out of luck)"]


def study_settings() -> Any:
    from overcast.config.schema import TrackingConfig

    return TrackingConfig()


def test_only_what_was_not_measured_or_was_changed_since_is_measured(config: Any, capsys: Any) -> None:
    runs = [train(config("epochs=1", f"seed={seed}")) for seed in range(2)]
    evaluate_missing(runs)
    measured = [run.folder / "evaluation" / "metrics.json" for run in runs]
    sound, time = measured[0].read_bytes(), measured[1].stat().st_mtime_ns
    shutil.rmtree(measured[0].parent)
    evaluate_missing(runs)
    told = f"{measured[0].parent} was changed or damaged since it was written: the run is evaluated again"
    assert measured[0].read_bytes() == sound
    assert told not in capsys.readouterr().err
    predictions = measured[0].with_name("predictions.csv")
    for path in (measured[0], predictions):
        path.write_bytes(path.read_bytes().replace(b"0.", b"1.", 1))
        evaluate_missing([load_run(run.folder) for run in runs])
        assert told in capsys.readouterr().err
        assert measured[0].read_bytes() == sound
    assert measured[1].stat().st_mtime_ns == time


def test_runs_to_be_measured_have_their_weights(config: Any) -> None:
    runs = [train(config("epochs=1", f"seed={seed}")) for seed in range(2)]
    evaluate_missing(runs[:1])
    for run in runs:
        run.mark_removed("a test", "2026-11-30T12:00:00+00:00")
    assert evaluate_missing(runs[:1]) == {}
    with pytest.raises(RemovedError, match=rf"^the weights of the run in {runs[1].folder} were removed by gc on 2026-"):
        evaluate_missing(runs)
    (runs[0].folder / "evaluation" / "predictions.csv").write_text("")
    with pytest.raises(RemovedError, match=r"^2 runs have no current evaluation of what the study judges, and gc "):
        evaluate_missing([load_run(run.folder) for run in runs])


def twins(config: Any, repeats: int) -> pd.DataFrame:
    """The trials of `none`, and of `none` with other seeds on the same folds, called another cell.

    Of such pairs one in twenty differs by chance, which benchmarks/false_alarms.py counts; this one does not.
    """
    runs: dict[str, list[Run]] = {"none": [], "none again": []}
    for cell, found in runs.items():
        for repeat in range(repeats):
            seed = repeat + 200 * (cell != "none")
            found.append(train(config("epochs=3", f"seed={seed}", f"split.fold={repeat}")))
        evaluate_missing(found)
    named = [trials(found).assign(cell=cell, mitigation=cell) for cell, found in runs.items()]
    both = pd.concat(named, ignore_index=True)
    return both.assign(repeat=[f"{fold}" for fold in both["fold"]])


def test_none_against_none_is_neither_better_nor_worse(config: Any) -> None:
    rows = twins(config, 6)
    assert rows["test/accuracy"].nunique() > 1
    compared = comparison_table(rows, {})
    assert list(compared["pairs"].sort_values()) == [0, 6]
    found = {verdict for outcome in families().judged for verdict in compared[f"verdict/{outcome.column}"]}
    assert found <= {"", "equivalent", "undecided"}
