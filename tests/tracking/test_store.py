"""Runs are recorded where the config or MLflow's own variables say, and end as what happened; a dead server is said."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.evaluation.evaluate import evaluate
from overcast.tracking.run import Epoch, RunRecorder, name_part, run_status
from overcast.tracking.run_folder import FILES, RECORD, Run
from overcast.tracking.store import TrackingStore, _in_project, open_store, places, relative
from overcast.training.train import train
from server import TrackingServer

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


def settings(folder: Path, experiment: str = "overcast") -> TrackingConfig:
    uri = f"sqlite:///{folder}/mlflow.db"
    return TrackingConfig(uri=uri, artifacts=str(folder / "artifacts"), experiment=experiment)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tracking database: making one takes seconds."""
    return tmp_path_factory.mktemp("tracking")


@pytest.fixture
def store(place: Path, home: Path, request: pytest.FixtureRequest) -> TrackingStore:
    """An experiment of the test's own."""
    found = open_store(settings(place, request.node.name))
    assert found is not None
    return found


def status(store: TrackingStore, run_id: str) -> str:
    return str(store.client.get_run(run_id).info.status)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (None, "FINISHED"),
        (ValueError, "FAILED"),
        (UserError, "FAILED"),
        (KeyboardInterrupt, "KILLED"),
        (SystemExit, "KILLED"),
    ],
)
def test_a_run_ends_as_what_happened(store: TrackingStore, error: type[BaseException] | None, word: str) -> None:
    record = store.create("x", {"role": "trial"})
    assert status(store, record.id) == "RUNNING"
    if error is None:
        with run_status(record):
            pass
    else:
        with pytest.raises(error), run_status(record):
            raise error("x")
    assert status(store, record.id) == word


def test_what_is_recorded_is_there(store: TrackingStore, tmp_path: Path) -> None:
    record = store.create("cnn · none", {"role": "trial"}, parent="")
    record.params({"lr": 0.1, "hidden": [3, 4]})
    record.tags({"colour": "blue"})
    rows = [Epoch(i, {"train/nll": 1.0 / i, "validation_gap/nll": 0.0}, 1e9 + i) for i in range(1, 601)]
    record.epochs(rows[:1])
    record.epochs(rows[1:])  # more than MLflow takes in one call
    (tmp_path / "note.txt").write_text("hello")
    record.artifact(tmp_path / "note.txt", "run")
    record.dataset("skies", "f" * 64, "data/skies", "100 samples")
    found = store.client.get_run(record.id)
    assert found.data.params == {"lr": "0.1", "hidden": "[3, 4]"}
    assert found.data.tags["colour"] == "blue"
    assert found.info.run_name == "cnn · none"
    history = store.client.get_metric_history(record.id, "train/nll")
    assert [(m.step, m.value) for m in history[:3]] == [(1, 1.0), (2, 0.5), (3, 0.33333)]  # as many digits as one reads
    assert [m.value for m in history] == pytest.approx([1.0 / i for i in range(1, 601)], rel=1e-4)
    assert [m.timestamp for m in history[:2]] == [1_000_000_001_000, 1_000_000_002_000]
    assert found.inputs.dataset_inputs[0].dataset.name == "skies"
    (tmp_path / "down").mkdir()
    folder = store.download(record.id, "run", tmp_path / "down")
    assert (folder / "note.txt").read_text() == "hello"
    assert store.find(record.id)
    assert not store.find("0" * 32)
    assert not store.find("../no id")
    store.client.delete_run(record.id)
    assert not store.find(record.id)


def test_artifacts_that_cannot_be_had_are_one_message(store: TrackingStore, tmp_path: Path) -> None:
    record = store.create("x", {})
    with pytest.raises(UserError, match=rf"the artifacts \(run\) of the MLflow run {record.id} cannot be had: "):
        store.download(record.id, "run", tmp_path)


def test_a_folder_is_recorded_from_the_project_and_found_after_that_moved(home: Path) -> None:
    assert relative(Path("runs/a")) == relative(home / "runs" / "a") == "runs/a"
    assert relative(home.parent / "runs") == str(home.parent / "runs")
    assert places({"folder": "runs/a", "project": "/gone"}) == [home / "runs/a", Path("/gone/runs/a")]
    assert places({"folder": "/runs/a", "project": "/gone"}) == [Path("/runs/a")]
    assert places({"folder": "runs/a"}) == [home / "runs/a"]


@pytest.fixture
def recorded(config: Any, place: Path, home: Path, request: pytest.FixtureRequest) -> tuple[Run, TrackingStore]:
    """A run, and where it was recorded."""
    where = settings(place, request.node.name)
    run = train(replace(config(), tracking=where))
    store = open_store(where)
    assert store is not None
    return run, store


def test_a_training_is_recorded_from_start_to_end(recorded: tuple[Run, TrackingStore]) -> None:
    run, store = recorded
    found = store.client.get_run(run.facts["id"])
    assert found.info.status == "FINISHED"
    assert found.data.params["model"] == "ann"
    assert found.data.params["lr"] == "0.01"
    assert found.data.tags["fingerprint"] == run.facts["fingerprint"]
    assert found.data.tags["folder"] == f"runs/{run.folder.name}"
    assert " cores" in found.data.tags["machine"]
    assert found.data.tags["version.torch"]
    assert found.data.params["strengths"] == "none: {}"
    assert found.data.metrics["best/validation_nll"] == float(f"{run.facts['best/validation_nll']:.5g}")
    assert found.data.metrics["cost/parameters"] == run.facts["parameters"]
    assert {"train/nll", "validation/accuracy", "validation_gap/nll", "cost/seconds"} <= set(found.data.metrics)
    for name in ("train/nll", "validation/accuracy"):
        steps = [metric.step for metric in store.client.get_metric_history(run.facts["id"], name)]
        assert steps == [1, 2]  # epochs count from 1
    assert {"model.pt", "config.yaml", "history.csv"} <= {
        Path(item.path).name for item in store.client.list_artifacts(run.facts["id"], "run")
    }


def test_system_metrics_are_recorded_where_mlflows_variable_asks(
    store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    found = []
    for asked in ("false", "true"):
        monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", asked)
        record = store.create("cnn", {"role": "trial"})
        with record.system_metrics():
            until = time.monotonic() + 60
            while asked == "true" and not metrics_of(store, record.id) and time.monotonic() < until:
                time.sleep(0.1)
        found.append(metrics_of(store, record.id))
    assert found[0] == {}
    assert "system/cpu_utilization_percentage" in found[1]


def metrics_of(store: TrackingStore, run: str) -> dict[str, float]:
    return dict(store.client.get_run(run).data.metrics)


def test_an_evaluation_adds_the_gap_to_the_test_part_and_leaves_that_of_the_epochs(
    recorded: tuple[Run, TrackingStore],
) -> None:
    run, store = recorded

    def logged(name: str) -> list[float]:
        return [metric.value for metric in store.client.get_metric_history(run.facts["id"], name)]

    before = logged("validation_gap/nll")
    assert len(before) == 2
    assert logged("gap/nll") == []
    metrics = evaluate(run, pictures=False)
    assert logged("validation_gap/nll") == before
    assert logged("gap/nll") == pytest.approx([metrics["test"]["nll"] - metrics["train"]["nll"]], rel=1e-4)


def test_a_restored_run_is_recorded_once_and_stays_as_it_was(
    config: Any, place: Path, home: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What DVC restores has no record.json: evaluating it must not touch what DVC restored."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings(place).uri)
    run = train(replace(config("epochs=1"), tracking=settings(place, request.node.name)))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", f"{request.node.name}, elsewhere")
    for name in FILES:
        (home / "restored").mkdir(exist_ok=True)
        shutil.copy(run.path(name), home / "restored")
    restored = Run(home / "restored")
    restored.write_record(weights="of others", id=run.facts["id"])
    monkeypatch.setattr(Run, "config", run.config)  # where the data lies is not what this is about
    for _ in range(2):
        evaluate(restored, pictures=False)
    store = open_store(settings(place))
    assert store is not None
    (found,) = store.search()
    assert (found.tags["restored"], found.tags["weights"]) == ("true", run.facts["weights"])
    assert found.metrics["test/accuracy"] >= 0
    assert found.metrics["best/epoch"] == 1
    assert restored.facts["id"] == found.id
    assert [restored.path(name).read_bytes() for name in FILES] == [run.path(name).read_bytes() for name in FILES]
    restored.path(RECORD).unlink()
    evaluate(restored, pictures=False)
    assert len(store.search()) == 1
    assert restored.facts["id"] == found.id


def test_a_training_that_fails_is_recorded_so(
    config: Any, place: Path, home: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("overcast.model.ann.ANN.loss", fails)
    where = settings(place, request.node.name)
    with pytest.raises(RuntimeError, match="out of luck"):
        train(replace(config(), tracking=where))
    store = open_store(where)
    assert store is not None
    (found,) = store.client.search_runs([store.experiment])
    assert found.info.status == "FAILED"


def test_mlflows_own_variables_win(place: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = settings(place)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", other.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from the environment")
    store = open_store(replace(settings(home / "unused"), experiment="from the config"))
    assert store is not None
    assert store.uri == other.uri
    assert store.client.get_experiment(store.experiment).name == "from the environment"
    assert not (home / "unused").exists()


@pytest.mark.parametrize(
    ("uri", "meant"),
    [
        ("sqlite:///mlflow.db", "sqlite:///{home}/mlflow.db"),
        ("sqlite:////there/mlflow.db", "sqlite:////there/mlflow.db"),
        ("mlruns", "{home}/mlruns"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("postgresql+psycopg2://a@b/c", "postgresql+psycopg2://a@b/c"),
        ("databricks", "databricks"),
    ],
)
def test_a_relative_store_lies_in_the_project(
    home: Path, monkeypatch: pytest.MonkeyPatch, uri: str, meant: str
) -> None:
    assert _in_project(uri) == meant.format(home=home)
    (home / "away").mkdir()
    monkeypatch.chdir(home / "away")
    assert _in_project(uri) == meant.format(home=home)


def test_a_dead_server_is_said_within_seconds(home: Path, config: Any) -> None:
    began = time.monotonic()
    with pytest.raises(UserError, match=r"cannot use the MLflow tracking store http://127\.0\.0\.1:9"):
        train(replace(config(), tracking=replace(settings(home), uri="http://127.0.0.1:9")))
    assert time.monotonic() - began < 60
    assert not (home / "runs").exists()


@pytest.mark.parametrize("uri", ["sqlite:///{file}/mlflow.db", "mongodb://x", "mysql+nodriver://a:b@127.0.0.1:9/x"])
def test_a_store_that_cannot_be_is_said(home: Path, uri: str) -> None:
    with pytest.raises(UserError, match="cannot use the MLflow tracking store"):
        open_store(replace(settings(home), uri=uri.format(file=__file__)))


def test_two_runs_at_once_may_be_the_first_to_see_new_data(
    store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = store.client.log_inputs, []

    def lost_the_race(*args: Any, **kwargs: Any) -> None:
        tries.append(args)
        if len(tries) == 1:
            raise MlflowException("UNIQUE constraint failed: datasets.experiment_id, datasets.name", BAD_REQUEST)
        real(*args, **kwargs)

    monkeypatch.setattr(store.client, "log_inputs", lost_the_race)
    record = store.create("x", {})
    record.dataset("skies", "0123", "data/skies", "10 samples")
    assert record.refused == []
    assert [i.dataset.name for i in store.client.get_run(record.id).inputs.dataset_inputs] == ["skies"]


def test_class_names_of_any_kind_can_be_recorded(store: TrackingStore, capsys: pytest.CaptureFixture[str]) -> None:
    """A user's folders are named as they like."""
    classes = [
        "Wolken & Nebel (früh)",
        "a&b",
        "a+b",
        "a_b",
        "../../x",
        "..",
        "http://x/y",
        "x" * 300,
        "맑음",
        "caf\udce9",
    ]
    record = store.create("x", {})
    record.metrics({f"class/{name_part(name)}_recall": number for number, name in enumerate(classes)})
    record.metrics({"later": 1.0})
    found = store.client.get_run(record.id).data.metrics
    assert sorted(found.values()) == sorted([*range(len(classes)), 1.0])  # no two are one
    assert {"class/a_b_recall", "class/맑음_recall", "class/.._recall", "later"} <= set(found)
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_off_records_nothing_and_imports_no_mlflow(config: Any) -> None:
    code = (
        "import sys, yaml; from overcast.config.run_config import RunConfig; "
        "from overcast.training.train import train; run = train(RunConfig.from_dict(yaml.safe_load(sys.stdin))); "
        "print(run.facts['id'] == '', 'mlflow' in sys.modules)"
    )
    text = yaml.safe_dump(config("epochs=1").to_dict())
    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["True", "False"]
    assert open_store(TrackingConfig(enabled=False)) is None
    with run_status(RunRecorder()):
        RunRecorder().metrics({"a": 1.0})


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Python's own answer to it, which tests that were started in the background do not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupt_waits_for_the_record(store: TrackingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in the middle of a commit would leave the database locked, and the run without its last word."""
    record = store.create("x", {})
    whole = []
    log = store.client.log_batch

    def interrupted(*args: Any, **kwargs: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        log(*args, **kwargs)
        whole.append(True)

    monkeypatch.setattr(store.client, "log_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        record.metrics({"a": 1.0})
    assert whole == [True]
    record.end("KILLED")
    assert store.status(record.id) == "KILLED"


@pytest.mark.parametrize("name", ["history.csv", "more"])
def test_a_link_that_leads_out_of_the_artifacts_is_not_followed(
    store: TrackingStore, home: Path, tmp_path: Path, name: str
) -> None:
    (secret := tmp_path / "secret").mkdir()
    (secret / "key").write_text("secret")
    (files := tmp_path / "run").mkdir()
    (files / "history.csv").write_text("epoch\n")
    record = store.create("cnn", {"role": "trial"})
    record.artifact(files, "run")
    place = Path(urlsplit(store.client.get_run(record.id).info.artifact_uri).path) / "run" / name
    place.unlink(missing_ok=True)
    place.symlink_to(secret if name == "more" else secret / "key")
    (into := tmp_path / "into").mkdir()
    with pytest.raises(UserError, match=r"the artifacts \(run\) of the MLflow run .* cannot be had"):
        store.download(record.id, "run", into)
    assert not list(into.rglob("key"))
    assert "secret" not in "".join(path.read_text() for path in into.rglob("*") if path.is_file())


@pytest.mark.slow
def test_a_server_that_does_what_is_asked_and_does_not_answer_makes_one_run(tmp_path: Path, home: Path) -> None:
    """As one that dies in between: MLflow's client would ask again."""
    server = TrackingServer(tmp_path)
    try:
        store = open_store(TrackingConfig(uri=server.uri))
        assert store
        server.how = "mute"
        record = store.create("x", {"role": "trial"})
        server.how = ""
        record.end("FINISHED")
        assert [(run.id, run.status) for run in store.search()] == [(record.id, "FINISHED")]
    finally:
        server.close()
