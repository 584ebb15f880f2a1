"""Averaging: the average is the hand-made one, measured in every validation and kept at the end."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from overcast.core.errors import UserError
from overcast.mitigation.averaging import Averaging
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.training import fit
from overcast.training.datamodule import PackDataModule

DECAY = "mitigation.averaging.decay=0.8"


class Record(Callback):
    """The weights after each step, and those in place at each validation."""

    def __init__(self) -> None:
        self.steps: list[dict[str, torch.Tensor]] = []
        self.validations: list[dict[str, torch.Tensor]] = []

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        self.steps.append({k: v.clone() for k, v in module.state_dict().items()})

    def on_validation_batch_start(self, trainer: Trainer, module: LightningModule, *args: Any) -> None:
        if args[1] == 0 and (len(args) < 3 or args[2] == 0):
            self.validations.append({k: v.clone() for k, v in module.state_dict().items()})


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Record:
    """Listens in the run that follows."""
    record, real = Record(), fit._trainer
    monkeypatch.setattr(fit, "_trainer", lambda *args: real(*args[:3], [*args[3], record]))
    return record


def by_hand(steps: list[dict[str, torch.Tensor]], decay: float) -> dict[str, torch.Tensor]:
    average = steps[0]
    for number, new in enumerate(steps[1:], start=1):
        keep = min(decay, (1 + number) / (10 + number))
        average = {
            name: keep * old + (1 - keep) * new[name] if old.is_floating_point() else new[name]
            for name, old in average.items()
        }
    return average


@pytest.mark.parametrize("model", ["ann", "cnn"])
def test_is_the_average_made_by_hand_measured_and_kept(trained: Any, record: Record, model: str) -> None:
    trainer, run = trained("epochs=4", f"model={model}", "mitigation=[batch_norm,averaging]", DECAY)
    per_epoch = len(record.steps) // 4
    for epoch, weights in enumerate(record.validations, start=1):
        expected = by_hand(record.steps[: epoch * per_epoch], 0.8)
        assert all(weights[name].allclose(expected[name], atol=1e-5) for name in expected)
    final = trainer.lightning_module.state_dict()
    assert all(final[name].equal(value) for name, value in record.validations[-1].items())
    saved = restore(run).net.state_dict()
    assert all(saved[name].equal(final[f"net.{name}"]) for name in saved)
    assert not final["net.head.weight" if model == "cnn" else "net.layers.1.weight"].equal(
        record.steps[-1]["net.head.weight" if model == "cnn" else "net.layers.1.weight"]
    )


def test_early_stopping_goes_back_to_the_average_it_measured(config: Any, trained: Any) -> None:
    overrides = ["lr=0.3", "epochs=8", "model.activation=tanh", "mitigation=[averaging,early_stopping]", DECAY]
    _, run = trained(*overrides)
    with run.path("history.csv").open() as file:
        losses = [float(row["validation/nll"]) for row in csv.DictReader(file)]
    datamodule = PackDataModule(open_config_pack(config(*overrides)), run.parts, 16, 0)
    x, y, length = next(iter(datamodule.batches(datamodule.validation)))
    loss = torch.nn.functional.cross_entropy(restore(run)(x, length), y).item()
    assert loss == pytest.approx(min(losses), rel=1e-5)


def test_training_goes_on_from_the_weights_not_from_their_average(trained: Any, record: Record) -> None:
    trained("epochs=3", "mitigation=averaging", DECAY)
    averaged, record.steps = record.steps, []
    trained("epochs=3")
    assert all(a[name].equal(b[name]) for a, b in zip(averaged, record.steps, strict=True) for name in b)


def test_checkpoints_are_of_plain_types(trained: Any, tmp_path: Path) -> None:
    trainer, _ = trained("mitigation=averaging")
    trainer.save_checkpoint(tmp_path / "state.ckpt")
    state = torch.load(tmp_path / "state.ckpt", weights_only=True)
    assert state["averaging_state"]["n_averaged"] == trainer.global_step


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=averaging", "mitigation.averaging.decay=0.0", "epochs=3")


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_out_of_range_is_refused(built: Any, decay: float) -> None:
    with pytest.raises(UserError, match=rf"mitigation\.averaging\.decay={decay}: must be at least 0 and below 1$"):
        built(Averaging, decay=decay)
