"""Seeds of a fold are one model, beside their mean; folds are not, but where there is an official test part."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from overcast.comparison.seed_ensembles import ensemble_table, measure_ensembles, seed_ensembles
from overcast.core.errors import UserError
from overcast.training.train import train

CLASSES = ("a", "b", "c")


def measured(folder: Path, fold: int, seed: int, official: bool = False, first: int = 0) -> Any:
    """A run's folder as an evaluation leaves it, with 40 test samples from row ``first`` on."""
    rng, labels = np.random.default_rng([fold, seed]), np.random.default_rng(fold).integers(0, 3, 40)
    p = rng.dirichlet(np.ones(3), 40) + np.eye(3)[labels]
    p /= p.sum(1, keepdims=True)
    path = folder / f"{fold}-{seed}"
    (path / "evaluation").mkdir(parents=True)
    with (path / "evaluation/predictions.csv").open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["row", "group", "file", "label", "predicted", *CLASSES])
        for i, (y, q) in enumerate(zip(labels, p, strict=True)):
            cells = [f"{value:.6g}" for value in q]
            write.writerow([first + i, first + i, f"{i}.png", CLASSES[y], CLASSES[q.argmax()], *cells])
    facts = {"cell": "x", "name": f"ann · none · seed {seed}", "official_test": official, "seconds": 10.0 + seed}
    config = SimpleNamespace(split=SimpleNamespace(fold=fold))
    return SimpleNamespace(
        folder=path, predictions=(path / "evaluation/predictions.csv").read_text(),
        facts=facts | {"multiply_adds": 7}, config=config, spec=SimpleNamespace(classes=CLASSES),
        p=p, labels=labels,
    )  # fmt: skip


def test_an_ensemble_beside_its_members(tmp_path: Path) -> None:
    runs = [measured(tmp_path, fold, seed, first=40 * fold) for fold in range(2) for seed in range(3)]
    table = ensemble_table(seed_ensembles(runs))
    assert table["fold"].tolist() == ["0", "1", "all"]
    assert set(table["cell"]) == {"ann · none"}
    assert set(table["members"]) == {3}
    for fold in range(2):
        same, row = [run for run in runs if run.config.split.fold == fold], table.iloc[fold]
        y, mean = same[0].labels, np.mean([run.p for run in same], axis=0)
        assert row["nll"] == pytest.approx(np.mean([log_loss(y, run.p) for run in same]), abs=1e-5)
        assert row["nll_ensemble"] == pytest.approx(log_loss(y, mean), abs=1e-5)
        assert row["accuracy"] == pytest.approx(np.mean([accuracy_score(y, run.p.argmax(1)) for run in same]))
        assert row["accuracy_ensemble"] == pytest.approx(accuracy_score(y, mean.argmax(1)))
        assert row["nll_low"] < row["nll_change"] < 0
    both = table.iloc[2]
    assert both["nll"] == pytest.approx(table["nll"][:2].mean())
    assert both["nll_high"] - both["nll_low"] < table["nll_high"][0] - table["nll_low"][0]
    assert both["train_seconds"] == 11


def test_folds_are_one_model_only_with_an_official_test_part(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"elsewhere every row has trained a member"):
        seed_ensembles([measured(tmp_path / "drawn", fold, 0) for fold in range(3)])
    runs = [measured(tmp_path / "official", 0, seed, official=True) for seed in range(3)]
    for fold, run in enumerate(runs):
        run.config.split.fold = fold
    (made,) = seed_ensembles(runs)
    assert (made.fold, len(made.runs)) == ("", 3)
    with pytest.raises(UserError, match="were measured on different samples"):
        seed_ensembles([measured(tmp_path / "x", 0, 0), measured(tmp_path / "y", 0, 1, first=3)])


def test_runs_by_their_folders(config: Any, tmp_path: Path) -> None:
    runs = [train(config("epochs=1", f"seed={seed}")) for seed in range(2)]
    given = ",".join(str(run.folder) for run in runs)
    said = measure_ensembles(runs=given, out=str(tmp_path / "new/table.csv"))
    assert "ann · none, fold 0: 2 seeds as one model: accuracy " in said
    assert "2 times the time of an answer" in said
    with (tmp_path / "new/table.csv").open() as file:
        (row,) = csv.DictReader(file)
    singles = [json.loads((run.folder / "evaluation/metrics.json").read_text())["test"]["nll"] for run in runs]
    assert float(row["nll"]) == pytest.approx(np.mean(singles), rel=1e-4)
