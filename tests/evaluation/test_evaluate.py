"""An evaluation from a run's folder alone: its figures are those of its predictions; changed data is refused."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.seeding import generator
from overcast.evaluation import evaluate as module
from overcast.evaluation.evaluate import evaluate, flatten_metrics
from overcast.evaluation.summary import table
from overcast.prepare.folds import merge_groups
from overcast.prepare.pack import open_pack, read_info, write_info
from overcast.prepare.split import read_parts
from overcast.tracking.run import Epoch, RunRecorder
from overcast.tracking.run_folder import Run
from overcast.training.metrics import measure_metrics
from overcast.training.train import train


@pytest.fixture
def run(config: Any) -> Run:
    return train(config("model=cnn", "model.width=8", "epochs=3"))


def test_figures_are_those_of_the_predictions(run: Run, data: Path) -> None:
    metrics = evaluate(run)
    stored = json.loads((run.folder / "evaluation/metrics.json").read_text())
    assert stored == metrics
    with (run.folder / "evaluation/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    pack = open_pack(data, "skies")
    classes = pack.spec.classes
    assert [int(row["row"]) for row in rows] == np.flatnonzero(run.parts == "test").tolist()
    assert all(row["file"] == pack.index["file"][int(row["row"])] for row in rows)
    groups = merge_groups(pack.index["group"], pack.index["duplicate"])
    assert [int(row["group"]) for row in rows] == [groups[int(row["row"])] for row in rows]
    assert all(row["label"] == pack.index["label"][int(row["row"])] for row in rows)
    p = np.array([[float(row[name]) for name in classes] for row in rows])
    y = torch.tensor([classes.index(row["label"]) for row in rows])
    expected = measure_metrics(torch.from_numpy(np.log(np.maximum(p, 1e-9))).float(), y).values
    assert metrics["test"]["accuracy"] == pytest.approx(expected["accuracy"])
    assert metrics["test"]["nll"] == pytest.approx(expected["nll"], abs=1e-4)
    for name in ("accuracy", "nll", "balanced_accuracy", "macro_f1", "brier", "ece"):
        low, high = metrics["test"][f"{name}_low"], metrics["test"][f"{name}_high"]
        assert low <= metrics["test"][name] <= high or name == "ece"
    assert metrics["gap"] == {
        "accuracy": metrics["train"]["accuracy"] - metrics["test"]["accuracy"],
        "nll": metrics["test"]["nll"] - metrics["train"]["nll"],
    }


def test_validation_figures_are_those_of_the_last_epoch(run: Run) -> None:
    with run.path("history.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    validation = evaluate(run)["validation"]
    assert validation["nll"] == pytest.approx(float(last["validation/nll"]), rel=1e-5)
    assert validation["accuracy"] == pytest.approx(float(last["validation/accuracy"]))


def test_rows_that_were_not_trained_on_change_no_figure(config: Any, data: Path, tmp_path: Path) -> None:
    overrides = ["train_fraction=0.3", "epochs=8"]
    run = train(config(*overrides))
    found_once = shutil.ignore_patterns("preprocessors", "baselines")  # of the same fingerprint
    shutil.copytree(data, tmp_path / "noisy", ignore=found_once)
    values = np.load(tmp_path / "noisy/skies/pack/values.npy", mmap_mode="r+")
    left_out = (read_parts(data, "skies", 0, 0, 10) == "train") & ~np.isin(np.arange(100), trained_on(run))
    assert left_out.sum() == 56
    values[left_out] = np.random.default_rng(0).integers(0, 256, values[left_out].shape)
    values.flush()
    write_info(tmp_path / "noisy/skies/pack", read_info(data, "skies"))
    first = evaluate(run, pictures=False)
    assert evaluate(train(config(*overrides, f"data_dir={tmp_path / 'noisy'}")), pictures=False) == first
    assert first["gap"]["accuracy"] > 0.3  # it knows its 24 rows, and no others


def trained_on(run: Run) -> np.ndarray:
    """The rows that were drawn, by the generator that draws them."""
    rows = np.flatnonzero(read_parts(Path(run.config.data_dir), "skies", 0, 0, 10) == "train")
    order = torch.randperm(len(rows), generator=generator(run.config.seed, "share", 0)).numpy()
    return rows[order[: round(run.config.train_fraction * len(rows))]]


def test_from_the_folder_alone_and_again_the_same(run: Run, tmp_path: Path) -> None:
    first = evaluate(run)
    shutil.copytree(run.folder, tmp_path / "moved")
    moved = Run(tmp_path / "moved")
    assert evaluate(moved) == first
    assert sorted(path.name for path in (moved.folder / "evaluation/plots").iterdir()) == [
        "confusion.png", "curves.png", "mistakes.png", "reliability.png", "risk_coverage.png",
    ]  # fmt: skip


def test_one_that_ends_before_it_is_recorded_is_made_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its figures would be missing from the record for good: a study takes a run with an evaluation for measured."""

    class Ended(RunRecorder):
        def metrics(self, values: dict[str, float]) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("overcast.evaluation.evaluate.open_recorder", lambda run: Ended())
    with pytest.raises(KeyboardInterrupt):
        evaluate(run, pictures=False)
    assert not run.metrics
    assert not [path for path in run.folder.iterdir() if "evaluation" in path.name]


def test_of_many_classes_those_with_most_samples_are_told_and_all_are_in_csv(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overcast.evaluation.evaluate.most_frequent", lambda labels, classes: {1, 3})
    metrics = evaluate(run, pictures=False)
    names = run.spec.classes
    assert set(metrics["class"]) == {names[1], names[3]}
    folder = run.folder / "evaluation"
    with (folder / "classes.csv").open(encoding="utf8") as file:
        rows = {row["class"]: row for row in csv.DictReader(file)}
    assert tuple(rows) == names
    for name, figures in metrics["class"].items():
        assert {kind: float(rows[name][kind]) for kind in figures} == pytest.approx(figures, abs=1e-6)
    with (folder / "predictions.csv").open(encoding="utf8") as file:
        pairs = Counter((row["label"], row["predicted"]) for row in csv.DictReader(file))
    with (folder / "confusion.csv").open(encoding="utf8") as file:
        assert {(r["label"], r["predicted"]): int(r["samples"]) for r in csv.DictReader(file)} == pairs
    assert sum(int(row["samples"]) for row in rows.values()) == pairs.total()


def test_changed_data_is_refused(run: Run, data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "other")
    write_info(tmp_path / "other/skies/pack", read_info(data, "skies") | {"fingerprint": "f" * 64})
    run.write_record(settings=run.record["settings"] | {"data_dir": str(tmp_path / "other")})
    with pytest.raises(UserError, match="data has changed since"):
        evaluate(run)


def test_metric_names_are_those_that_mlflow_shows(run: Run) -> None:
    names = flatten_metrics(evaluate(run))
    assert {"test/accuracy", "test/accuracy_low", "gap/nll", "final/train_accuracy", "class/foggy_recall"} <= set(names)
    assert all(isinstance(value, float) for value in names.values())


class Noting(RunRecorder):
    """Remembers what it is given, and of which epochs."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.names: set[str] = set()

    def metrics(self, values: dict[str, float]) -> None:
        self.names |= set(values)

    def epochs(self, rows: Sequence[Epoch]) -> None:
        self.numbers += [row.number for row in rows if "validation/accuracy" in row.metrics]


def test_the_epochs_of_a_restored_run_count_from_1_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run that the store has never seen: its epochs are recorded anew, from 1."""
    record = Noting()
    store = SimpleNamespace(
        find=lambda _: False, create=lambda name, tags: record, search=lambda **_: [], client=None, uri=""
    )
    monkeypatch.setattr(module, "reopen_store", lambda tracking: store)
    monkeypatch.setattr(module, "record_outcome", lambda record, run: None)
    evaluate(run, pictures=False)
    assert record.numbers == [1, 2, 3]
    assert "test/accuracy" in record.names


def test_a_debug_run_and_a_sequence_run_can_be_evaluated(config: Any) -> None:
    for overrides in (["debug=true"], ["data=waves", "model=lstm"]):
        run = train(config("epochs=1", *overrides))
        assert 0 <= evaluate(run)["test"]["accuracy"] <= 1


def test_a_debug_run_is_measured_on_every_class(config: Any, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overcast.training.batch_loader.DEBUG_ROWS", 10)
    run = train(config("debug=true"))
    metrics = evaluate(run)
    assert set(metrics["class"]) == set(run.spec.classes)
    predicted = (run.folder / "evaluation/predictions.csv").read_text().splitlines()[1:]
    labels = open_pack(data, "skies").labels
    assert sorted(labels[int(line.split(",")[0])] for line in predicted) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    with run.path("history.csv").open() as file:
        (last,) = csv.DictReader(file)
    assert metrics["validation"]["nll"] == pytest.approx(float(last["validation/nll"]), rel=1e-5)


def test_a_test_part_without_a_class_has_no_figures_for_it(config: Any) -> None:
    """As where it was cut by time."""
    run = train(config("epochs=1"))
    classes, labels = run.spec.classes, open_pack(Path(run.config.data_dir), "skies").labels
    parts = np.where((run.parts == "test") & (labels == 2), "unused", run.parts)
    run.write("parts.csv", "part\n" + "\n".join(parts) + "\n")
    metrics = evaluate(run)
    assert list(metrics["class"]) == [name for i, name in enumerate(classes) if i != 2]
    assert 0 <= metrics["test"]["macro_f1_low"] <= metrics["test"]["macro_f1"] <= metrics["test"]["macro_f1_high"] <= 1


def test_accuracy_under_shift_is_measured_where_it_is_asked_for(config: Any) -> None:
    run = train(config("epochs=1"))
    plain = evaluate(run, pictures=False)
    assert "shift" not in plain
    asked = evaluate(run, pictures=False, shift=True)
    assert asked["test"]["shift_accuracy"] == pytest.approx(np.mean(list(asked["shift"].values())))
    assert (
        asked["test"]["shift_accuracy_low"] <= asked["test"]["shift_accuracy"] <= asked["test"]["shift_accuracy_high"]
    )
    assert {"test/shift_accuracy", "shift/fog"} <= flatten_metrics(asked).keys()
    without = {name: value for name, value in asked["test"].items() if not name.startswith("shift_")}
    assert without == plain["test"]
    assert f"{asked['shift']['fog']:.3f}" in table(run, asked)
    run.write_record(settings=run.record["settings"] | {"study": {"outcomes": ["nll", "shift_accuracy"]}})
    assert evaluate(run, pictures=False) == asked


def test_a_metric_of_the_users_own_is_measured_on_every_part(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "conf" / "metric", tmp_path / "conf" / "metric")
    monkeypatch.setattr("overcast.config.metric_options.ROOT", tmp_path)
    (tmp_path / "conf/metric/auroc.yaml").write_text("_target_: torchmetrics.classification.MulticlassAUROC\n")
    run = train(config("epochs=1"))
    metrics = evaluate(run, pictures=False)
    assert all(0 <= metrics[part]["auroc"] <= 1 for part in module.PARTS)
    labels = open_pack(Path(run.config.data_dir), "skies").labels
    run.write(
        "parts.csv", "part\n" + "\n".join(np.where((run.parts == "test") & (labels == 2), "unused", run.parts)) + "\n"
    )
    metrics = evaluate(run, pictures=False)
    assert metrics["test"]["auroc"] is None
    assert [note.partition(":")[0] for note in metrics["notes"]] == ["test auroc"]
    assert "test/auroc" not in flatten_metrics(metrics)
    assert "not computed: test auroc: No positive samples" in table(run, metrics)
    assert json.loads((run.folder / "evaluation/metrics.json").read_text())["test"]["auroc"] is None


def test_twins_in_the_test_part_count_as_one_sample(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every two pictures of the pack were of one source."""
    single = evaluate(run, pictures=False)["test"]
    pack = open_pack(Path(run.config.data_dir), "skies")
    pairs = np.array([str(row // 2) for row in range(100)], object)
    twins = replace(pack, index=pack.index | {"group": pairs})
    monkeypatch.setattr(module, "open_run_pack", lambda run: twins)
    asked = []
    monkeypatch.setattr(module, "intervals", lambda *args, groups, means: asked.append(groups) or {})
    evaluate(run, pictures=False)
    (groups,) = asked
    rows = np.flatnonzero(run.parts == "test")
    same = rows[:, None] // 2 == rows // 2
    assert ((groups[:, None] == groups) == same).all()
    assert single["accuracy_low"] < single["accuracy_high"]
