"""Early stopping: it stops when patience runs out, and the weights kept are those of the best epoch."""

from __future__ import annotations

import csv
from typing import Any

import pytest
import torch

from overcast.core.errors import UserError
from overcast.mitigation.early_stopping import EarlyStopping
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.training.datamodule import PackDataModule
from overcast.training.train import train


def losses(run: Any) -> list[float]:
    with run.path("history.csv").open() as file:
        return [float(row["validation/nll"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("patience", [1, 3])
def test_stops_and_goes_back_to_the_best_epoch(config: Any, patience: int) -> None:
    harsh = ["lr=0.3", "epochs=25", "mitigation=early_stopping", f"mitigation.early_stopping.patience={patience}"]
    run = train(cfg := config(*harsh, "model.activation=tanh"))
    curve = losses(run)
    assert len(curve) < 25
    assert len(curve) == curve.index(min(curve)) + 1 + patience
    datamodule = PackDataModule(open_config_pack(cfg), run.parts, 16, 0)
    x, y, length = next(iter(datamodule.batches(datamodule.validation)))
    restored_loss = torch.nn.functional.cross_entropy(restore(run)(x, length), y).item()
    assert restored_loss == pytest.approx(min(curve), rel=1e-5)
    assert restored_loss < curve[-1]


def test_patience_is_of_epochs_however_often_they_are_looked_at(config: Any) -> None:
    harsh = ["lr=0.3", "epochs=40", "mitigation=early_stopping", "mitigation.early_stopping.patience=5"]
    run = train(config(*harsh, "model.activation=tanh", "measure_every=2"))
    curve = losses(run)
    assert len(curve) < 20
    assert len(curve) == curve.index(min(curve)) + 1 + 3  # looks, two epochs apart: the first beyond five epochs


def test_without_it_the_last_weights_stay(config: Any) -> None:
    run = train(cfg := config("lr=0.3", "epochs=8", "model.activation=tanh"))
    datamodule = PackDataModule(open_config_pack(cfg), run.parts, 16, 0)
    x, y, length = next(iter(datamodule.batches(datamodule.validation)))
    restored_loss = torch.nn.functional.cross_entropy(restore(run)(x, length), y).item()
    assert restored_loss == pytest.approx(losses(run)[-1], rel=1e-5)


def test_until_it_stops_it_changes_nothing(config: Any) -> None:
    calm = ["epochs=4", "lr=0.001"]
    patient = train(config(*calm, "mitigation=early_stopping", "mitigation.early_stopping.patience=9"))
    assert losses(patient) == losses(train(config(*calm)))


def test_patience_below_one_is_refused(built: Any) -> None:
    with pytest.raises(UserError, match=r"mitigation\.early_stopping\.patience=0: must be above 0$"):
        built(EarlyStopping, patience=0)
