"""Pretraining: every network learns to reconstruct its inputs, from the seed alone; its head stays as it was."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from overcast.core.errors import UserError
from overcast.mitigation.pretraining import Pretrain, Pretraining, low_resolution, pretraining_rounds
from overcast.model import last_linear
from overcast.prediction.build import build
from overcast.prediction.trained_network import open_config_pack

LONG = ["mitigation=pretraining", "mitigation.pretraining.epochs=8", "lr=1e-30", "epochs=1"]  # after it nothing moves


def callback(trainer: Any) -> Pretrain:
    return next(c for c in trainer.callbacks if isinstance(c, Pretrain))


@pytest.mark.parametrize("model", ["ann", "dnn", "cnn", "lstm"])
def test_every_network_learns_to_reconstruct(trained: Any, config: Any, model: str) -> None:
    trainer, _ = trained(*LONG, f"model={model}")
    losses = callback(trainer).losses
    layers = 3 if model == "dnn" else 1  # one by one, or all at once
    assert len(losses) == 8 * layers
    assert all(last < 0.9 * first for first, last in zip(losses[::8], losses[7::8], strict=True))
    first, _ = build(cfg := config(f"model={model}"), open_config_pack(cfg).spec)
    net = trainer.lightning_module.net
    assert last_linear(net).weight.equal(last_linear(first).weight)
    moved = [not a.equal(b) for a, b in zip(net.parameters(), first.parameters(), strict=True)]
    assert all(moved[:-2])
    assert not any(moved[-2:])


def test_layers_are_pretrained_one_by_one(config: Any) -> None:
    """A layer and its norm learn in a round of their own what the next one reads."""
    net, _ = build(cfg := config("model=dnn", "mitigation=batch_norm"), open_config_pack(cfg).spec)
    names = {parameter: name for name, parameter in net.named_parameters()}
    linear = [module for module in net.modules() if isinstance(module, torch.nn.Linear)]
    rounds_of_layers = pretraining_rounds(net)
    assert [next_layer for next_layer, _ in rounds_of_layers] == linear[1:]
    learn = [{names[parameter].split(".")[1] for parameter in trainable} for _, trainable in rounds_of_layers]
    assert learn == [{"0", "1"}, {"4", "5"}, {"8", "9"}]  # a layer and its norm
    at_once = pretraining_rounds(build(cfg := config("model=cnn"), open_config_pack(cfg).spec)[0])
    assert len(at_once) == 1


def test_ragged_sequences_can_be_reconstructed(trained: Any) -> None:
    trainer, _ = trained(*LONG, "data=waves", "model=lstm")
    losses = callback(trainer).losses
    assert losses[-1] < losses[0]


def test_reconstructions_are_coarse() -> None:
    assert low_resolution(torch.rand(2, 3, 64, 64), 3).shape == (2, 3 * 12 * 12)
    assert low_resolution(torch.rand(2, 1, 8, 8), 1).shape == (2, 64)
    assert low_resolution(torch.rand(2, 5, 4), 30).shape == (2, 4 * 12)
    assert low_resolution(torch.rand(2, 5, 4), 7).shape == (2, 4 * 7)


def test_same_seed_same_bits_even_with_dropout(trained: Any) -> None:
    overrides = ["mitigation=[dropout,pretraining]", "model=dnn"]
    first, again, other = (trained(*overrides, f"seed={seed}")[0].lightning_module.net for seed in (0, 0, 1))
    assert all(a.equal(b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not all(a.equal(b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_its_time_is_measured(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Pretrain.pretrain

    def slow(self: Pretrain, *args: Any) -> list[float]:
        time.sleep(0.7)
        return real(self, *args)

    monkeypatch.setattr(Pretrain, "pretrain", slow)
    _, run = trained("mitigation=pretraining", "epochs=1")
    assert run.facts["seconds"] > 0.7


def test_a_resumed_run_is_not_pretrained_again(trained: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trainer, _ = trained("mitigation=pretraining", "epochs=1")
    trainer.save_checkpoint(tmp_path / "state.ckpt")
    assert torch.load(tmp_path / "state.ckpt", weights_only=True)["global_step"] > 0
    monkeypatch.delattr(Pretrain, "pretrain")
    callback(trainer).on_train_start(trainer, trainer.lightning_module)


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=pretraining", "mitigation.pretraining.epochs=0")


@pytest.mark.parametrize(("option", "value"), [("epochs", -1), ("noise", -0.5), ("lr", 0.0)])
def test_out_of_range_is_refused(built: Any, option: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"mitigation\.pretraining\.{option}={value}: must be "):
        built(Pretraining, **{option: value})
