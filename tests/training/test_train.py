"""One run from its config: every mistake before the training, a whole folder after it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from flaky import FlakyClient
from overcast.config.schema import StudyConfig, TrackingConfig
from overcast.core.errors import UnreachableError, UserError
from overcast.core.seeding import generator
from overcast.evaluation.evaluate import evaluate
from overcast.prepare.pack import read_info, write_info
from overcast.prepare.split import read_parts, read_split_info, split
from overcast.tracking.finished_run import load_run
from overcast.tracking.metadata import run_params
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.outbox import find_outboxes
from overcast.tracking.run_folder import FILES, RECORD, Run
from overcast.tracking.store import TrackingStore
from overcast.training.plan import draw_train_fraction
from overcast.training.train import train


def test_a_whole_run(config: Any, data: Path) -> None:
    run = train(cfg := config("tags=[first try]"))
    assert load_run(run.folder) == run
    assert {path.name for path in run.folder.iterdir() if not path.name.startswith(".")} == {*FILES, RECORD}
    assert run.config == cfg
    assert run.facts["fingerprint"] == read_split_info(data, "skies")["fingerprint"]
    assert run.facts["synthetic"] is True
    assert run.facts["parameters"] == (3 * 16 * 16 + 1) * 128 + (128 + 1) * 5
    assert (run.parts == "test").sum() == 10
    assert len(run.path("history.csv").read_text().splitlines()) == 3


def test_a_run_is_the_same_wherever_and_whenever_it_is_trained(config: Any, data: Path, tmp_path: Path) -> None:
    """What DVC keeps of it holds no place, time, id or mirror: two folders get the same dvc.lock."""
    shutil.copytree(data / "skies", tmp_path / "elsewhere" / "skies")
    one = train(config("mirror=/one", "mitigation=[batch_norm]", "epochs=1"))
    words = [f"run={tmp_path}/mine", "mirror=/two", f"data_dir={tmp_path}/elsewhere", "tags=[x]", "claim=z"]
    other = train(replace(config(*words, "mitigation=[batch_norm]", "epochs=1"), study=StudyConfig("y")))
    for run in (one, other):
        evaluate(run)
    for name in (*FILES, *(str(p.relative_to(one.folder)) for p in one.folder.glob("evaluation/**/*.*"))):
        assert one.path(name).read_bytes() == other.path(name).read_bytes(), name
        assert str(tmp_path).encode() not in one.path(name).read_bytes()
    assert one.path(RECORD).read_bytes() != other.path(RECORD).read_bytes()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("epochs=0", "epochs=0: must be at least 1"),
        ("batch_size=1", "batch_size=1: must be at least 2"),
        ("lr=0", "lr=0.0: must be above 0"),
        ("lr=-1", "lr=-1.0: must be above 0"),
        ("lr=nan", "lr=nan: must be above 0"),
        ("lr=inf", "lr=inf: must be above 0, and a number"),
        ("train_fraction=nan", "train_fraction=nan: must be above 0"),
        ("trainer.threads=-1", "trainer.threads=-1: must be from 1 to 1024, or 0"),
        ("trainer.gradient_clip_val=0", "trainer.gradient_clip_val=0.0: must be above 0, and a number"),
        ("trainer.accumulate_grad_batches=0", "trainer.accumulate_grad_batches=0: must be at least 1"),
        (
            "trainer.accumulate_grad_batches=100",
            "and trainer.accumulate_grad_batches=100 on 1 process: a process has 0",
        ),
        ("trainer.max_time=soon", "trainer.max_time=soon: give a time with its unit"),
        ("trainer.max_time=0s", "trainer.max_time=0s: must be above 0"),
        ("trainer.threads=1000000000000", "trainer.threads=1000000000000: must be"),
        ("model.hidden=1000000000000", "model=ann has 774,000,000,000,005 weights with these sizes"),
        ("train_fraction=0.001 model=dnn mitigation=batch_norm", "needed|batch norm needs at least 2"),
        ("model=perceptron mitigation=shrink", "makes no sense for model=perceptron: it has no width"),
        ("model=handmade mitigation=pretraining", "makes no sense for model=handmade"),
        ("mitigation=noise mitigation.noise.strength=inf", "mitigation.noise.strength=inf: .*finite number"),
        ("measure_every=0", "measure_every=0: must be at least 1"),
        ("train_fraction=0", "train_fraction=0.0: must be above 0 and at most 1"),
        ("train_fraction=1.5", "train_fraction=1.5"),
        ("train_fraction=0.001", "train_fraction=0.001 leaves 0 of 80 train rows: at least 2 are needed"),
        ("model.hidden=many", "model.hidden=many"),
        ("split.fold=10", "choose 0 to 9"),
        ("split.ignore_groups=true", "and skies has none: its split is a random one already"),
        ("split.seed=1", "made with seed=0, folds=10, but the config asks for seed=1"),
        ("data.size=32", "made with size=16, but the config asks for size=32"),
        ("trainer.accelerator=tpu", "choices are auto, cpu and gpu"),
        ("data_dir=nowhere", "There is no pack"),
        ("mitigation=[batch_norm,none]", "mitigation=none stands for"),
        ("data=waves shuffle_pixels=true", "shuffle_pixels=true moves the pixels of pictures"),
    ],
)
def test_a_mistake_is_said_before_anything_is_made(config: Any, tmp_path: Path, override: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        train(config(*override.split()))
    assert not (tmp_path / "runs").exists()


def test_training_before_splitting(config: Any, data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "skies/pack", tmp_path / "data/skies/pack")
    with pytest.raises(UserError, match=r"skies has not been split yet: run `python pipelines/split\.py data=skies`"):
        train(config(f"data_dir={tmp_path}/data"))
    split("skies", tmp_path / "data", seed=0)
    assert train(config(f"data_dir={tmp_path}/data")).folder.exists()


@pytest.mark.parametrize("share", [0.03, 0.25, 0.5, 1.0])
def test_train_rows_that_a_share_leaves_out_are_unused(data: Path, share: float) -> None:
    parts = read_parts(data, "skies", 0, 0, 10)
    found = draw_train_fraction(parts, share, 5)
    train = np.flatnonzero(parts == "train")
    drawn = torch.randperm(80, generator=generator(5, "share", 0))[: round(80 * share)]
    assert np.flatnonzero(found == "train").tolist() == sorted(train[drawn.numpy()])
    assert set(found[(found != parts)]) <= {"unused"}
    assert (found == parts)[parts != "train"].all()
    larger = draw_train_fraction(parts, min(1.0, share + 0.2), 5)
    assert set(np.flatnonzero(found == "train")) <= set(np.flatnonzero(larger == "train"))


def test_a_runs_parts_are_those_it_was_trained_with(config: Any, data: Path) -> None:
    run = train(config("epochs=1", "train_fraction=0.25", "seed=5"))
    assert (run.parts == draw_train_fraction(read_parts(data, "skies", 0, 0, 10), 0.25, 5)).all()
    assert (run.parts == "train").sum() == 20


def test_two_train_rows_are_enough(config: Any) -> None:
    picks = ["train_fraction=0.02", "epochs=1", "model=dnn", "mitigation=batch_norm"]
    assert (train(config(*picks)).parts == "train").sum() == 2


def test_a_run_notes_an_official_test_part(config: Any, data: Path, tmp_path: Path) -> None:
    assert train(config("epochs=1")).facts["official_test"] is False
    shutil.copytree(data / "skies/pack", tmp_path / "data/skies/pack")
    index = tmp_path / "data/skies/pack/index.csv"
    table = pd.read_csv(index, dtype=str, keep_default_na=False)
    table["part"] = ["test" if row % 4 == 0 else "train" for row in range(len(table))]
    table.to_csv(index, index=False)
    write_info(index.parent, read_info(data, "skies"))
    split("skies", tmp_path / "data", seed=0, folds=5)
    run = train(config("epochs=1", "split.fold=1", "split.folds=5", f"data_dir={tmp_path}/data"))
    assert run.facts["official_test"] is True
    assert (run.parts == "test").tolist() == [row % 4 == 0 for row in range(100)]


def test_a_failed_training_is_not_a_whole_run(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train(config(f"run={tmp_path}/mine"))

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("overcast.model.ann.ANN.loss", fails)
    with pytest.raises(RuntimeError, match="out of luck"):
        train(config(f"run={tmp_path}/mine"))
    with pytest.raises(UserError, match="not whole"):
        load_run(first.folder)


def test_a_full_disk_is_said(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Run, "write_facts", full)
    with pytest.raises(UserError, match="No space left"):
        train(config("epochs=1"))


def test_a_random_split_is_a_parameter_that_older_runs_lack(config: Any, tmp_path: Path) -> None:
    old = config(f"data_dir={tmp_path}").to_dict()
    del old["split"]["ignore_groups"], old["shuffle_pixels"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(old))
    stored = Run(tmp_path).config
    found = [run_params(cfg)["split_ignore_groups"] for cfg in (config("split.ignore_groups=true"), config(), stored)]
    assert found == [True, False, False]
    assert run_params(stored)["shuffle_pixels"] is False


def test_params_have_the_same_names_for_every_run_of_a_model(config: Any) -> None:
    one, other = run_params(config("seed=1", "lr=0.5")), run_params(config("epochs=9", "mitigation=[]"))
    assert one.keys() == other.keys()
    assert (one["model"], one["mitigation"], one["seed"], one["data.size"]) == ("ann", "none", 1, 16)


def test_the_stored_config_is_plain_yaml(config: Any) -> None:
    run = train(config("epochs=1", "mitigation=[batch_norm]"))
    assert yaml.safe_load(run.path("config.yaml").read_text())["mitigation"]["batch_norm"]["_target_"]


def test_two_looks_a_step_and_scaled_losses_do_not_go_together(config: Any) -> None:
    with pytest.raises(UserError, match="mitigation=sam looks at the gradients twice a step"):
        train(config("mitigation=sam", "trainer.precision=16-mixed"))


def test_what_does_not_fit_the_data_is_said_before_it_is_fetched(config: Any, tmp_path: Path) -> None:
    words = ["data=reviews", "model=ann", "mitigation=augmentation", "prepare=true", f"data_dir={tmp_path}/data"]
    with pytest.raises(UserError, match=r"of kind tokens\. Choose what works on that, such as model=lstm"):
        train(config(*words))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("word", "why"), [("trainer.accelerator=gpu", "no GPU is visible"), ("trainer.num_nodes=2", "torchrun")]
)
def test_what_no_device_here_can_do_is_said_before_data_is_made(
    config: Any, tmp_path: Path, word: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    words = ["data=points", "model=ann", "mitigation=none", "prepare=true", f"data_dir={tmp_path}/data", word]
    with pytest.raises(UserError, match=why):
        train(config(*words))
    assert not (tmp_path / "data").exists()


@pytest.mark.filterwarnings("ignore:::mlflow")
@pytest.mark.filterwarnings("ignore:::sqlalchemy")
def test_a_store_that_takes_no_run_leaves_all_as_it_was(
    config: Any, store: TrackingStore, tracking: TrackingConfig, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a server that answers, and gives 500 to whatever is written."""
    earlier = train(config("epochs=1", f"run={home}/mine"))
    before = {path: path.read_bytes() for path in earlier.folder.iterdir()}
    store.client = FlakyClient(store.client, 0, writes_only=True)
    monkeypatch.setattr("overcast.training.train.open_store", lambda _: store)
    for words in ((), (f"run={home}/mine",)):
        with pytest.raises(UnreachableError, match=r"cannot use the MLflow tracking store .*: too many 500"):
            train(replace(config("epochs=1", *words), tracking=tracking))
    assert list((home / "runs").iterdir()) == []
    assert {path: path.read_bytes() for path in earlier.folder.iterdir()} == before
    assert store.search() == []


@pytest.mark.filterwarnings("ignore:::mlflow")
@pytest.mark.filterwarnings("ignore:::sqlalchemy")
def test_a_store_that_goes_away_is_waited_for_by_nobody_and_gets_all_later(
    config: Any, store: TrackingStore, tracking: TrackingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the files of a run that is trained anew in the same folder."""
    store.client = flaky = FlakyClient(store.client, 3)
    monkeypatch.setattr("overcast.training.train.open_store", lambda _: store)
    run = train(replace(config("epochs=2"), tracking=tracking))
    assert find_outboxes(run.folder)
    flaky.calls = 10**9
    monkeypatch.setattr("overcast.training.train.open_store", lambda _: None)
    again = train(replace(config("epochs=1", f"run={run.folder}"), tracking=tracking))
    assert find_outboxes(again.folder)
    mark_orphaned_runs(store, str(run.folder.parent))
    (found,) = store.search()
    assert found.status == "FINISHED"
    assert [m.step for m in flaky.get_metric_history(found.id, "train/nll")] == [1, 2]
    assert flaky.list_artifacts(found.id) == []
    assert again.facts["id"] == ""
