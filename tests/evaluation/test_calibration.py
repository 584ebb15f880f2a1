"""A run with a calibration part is measured before and after its temperature; sets and thresholds do what they say."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score

from overcast.core.errors import UserError
from overcast.evaluation.calibration import risk_coverage, write_coverage
from overcast.evaluation.evaluate import evaluate
from overcast.evaluation.summary import table
from overcast.prediction.calibration import calibration_together, load_calibration
from overcast.prediction.trained_network import restore
from overcast.prepare.pack import open_pack
from overcast.prepare.split import split
from overcast.statistics.temperature import learn_temperature
from overcast.tracking.run_folder import Run
from overcast.training.metrics import measure_metrics
from overcast.training.train import train


@pytest.fixture
def run(config: Any, data: Path, tmp_path: Path) -> Run:
    shutil.copytree(data / "skies", tmp_path / "data/skies")
    split("skies", tmp_path / "data", seed=0, calibration=0.25)
    return train(config("split.calibration=0.25", "epochs=8", f"data_dir={tmp_path / 'data'}"))


def test_the_temperature_is_learned_where_nothing_else_is(run: Run, data: Path) -> None:
    held_out = np.flatnonzero(run.parts == "calibration")
    assert len(held_out) == 20
    calibration, trained, pack = load_calibration(run), restore(run), open_pack(data, "skies")
    assert calibration is not None
    x, length = pack.gather(held_out)
    with torch.inference_mode():
        logits = trained(torch.from_numpy(x), torch.from_numpy(length)).numpy()
    assert np.allclose(calibration.logits, logits, atol=1e-5)
    assert (calibration.target == pack.labels[held_out]).all()
    assert trained.temperature == pytest.approx(learn_temperature(logits * trained.temperature, calibration.target))
    assert run.facts["temperature"] == trained.temperature != 1


def test_figures_before_and_after(run: Run) -> None:
    metrics = evaluate(run, pictures=True)
    told, test = metrics["calibration"], metrics["test"]
    trained = restore(run)
    pack = open_pack(Path(run.config.data_dir), "skies")
    rows = np.flatnonzero(run.parts == "test")
    x, length = pack.gather(rows)
    y = torch.from_numpy(pack.labels[rows])
    with torch.inference_mode():
        logits = trained(torch.from_numpy(x), torch.from_numpy(length))
    before = measure_metrics(logits * trained.temperature, y).values
    for name in ("nll", "ece", "brier"):
        assert told[f"{name}_before"] == pytest.approx(before[name], abs=1e-4)
        assert told[f"{name}_change"] == pytest.approx(test[name] - before[name], abs=1e-4)
    assert before["accuracy"] == test["accuracy"]
    assert told["samples"] == 20
    with (run.folder / "evaluation/coverage.csv").open() as file:
        by = list(csv.DictReader(file))
    assert [row["by"] for row in by] == ["all"] + ["class"] * 5
    assert float(by[0]["coverage"]) == pytest.approx(told["coverage"])
    assert float(by[0]["low"]) < told["coverage"] <= float(by[0]["high"])
    assert sum(int(row["covered"]) for row in by[1:]) == int(by[0]["covered"])
    plots = {path.name for path in (run.folder / "evaluation/plots").iterdir()}
    assert {"reliability.png", "risk_coverage.png"} <= plots
    text = table(run, metrics)
    assert f"temperature {trained.temperature:.3f}, learned on 20 samples" in text
    assert "sets that are to hold the true class in 90%" in text


def test_without_a_part_nothing_is_changed_and_what_needs_it_says_so(config: Any) -> None:
    run = train(config())
    assert restore(run).temperature == 1
    assert load_calibration(run) is None
    assert "temperature" not in run.facts
    assert set(torch.load(run.path("model.pt"), weights_only=True)) == {"preprocessor", "net"}
    assert "calibration" not in evaluate(run, pictures=False)
    assert not (run.folder / "evaluation/coverage.csv").exists()
    assert (run.folder / "evaluation/risk_coverage.csv").exists()
    with pytest.raises(UserError, match=r"conformal=0\.1 needs a run with a calibration part, and .* has none"):
        calibration_together([run], "conformal=0.1")


def test_a_curve_answers_the_surest_first() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 500).round(2)  # some as sure as others
    y = (p.cumsum(1) > rng.random((500, 1))).argmax(1)
    curve = risk_coverage(p, y)
    for threshold, coverage, accuracy in curve[::20]:
        answered = p.max(1) >= threshold
        assert coverage == pytest.approx(answered.mean())
        assert accuracy == pytest.approx(accuracy_score(y[answered], p[answered].argmax(1)))
    assert curve[-1, 1] == 1
    assert (np.diff(curve[:, 1]) > 0).all()
    assert risk_coverage(np.full((7, 2), 0.5), np.zeros(7, int)).tolist() == [[0.5, 1, 1]]


def test_coverage_of_each_source_group(tmp_path: Path) -> None:
    sets = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], bool)
    write_coverage(tmp_path / "x.csv", sets, np.array([0, 0, 0, 1]), np.array(["ann", "ann", "bob", ""]), ("a", "b"))
    with (tmp_path / "x.csv").open() as file:
        rows = {(row["by"], row["name"]): row for row in csv.DictReader(file)}
    assert {key: (row["samples"], row["covered"], row["set_size"]) for key, row in rows.items()} == {
        ("all", ""): ("4", "2", "1"),
        ("group", "ann"): ("2", "2", "1.5"),
        ("group", "bob"): ("1", "0", "1"),
        ("class", "a"): ("3", "2", "1.33333"),
        ("class", "b"): ("1", "0", "0"),
    }
