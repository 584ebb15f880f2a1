"""SAM: its step is the hand-written one, it goes rho far, and works inside Lightning with a schedule."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import nn
from torch.nn import functional as F

from overcast.core.errors import UserError
from overcast.core.seeding import generator
from overcast.mitigation.sam import SAM, SharpnessAware
from overcast.training import fit

X, Y = torch.randn(16, 5, generator=generator("x")), torch.arange(16) % 3


def net() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3))


def sgd(module: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)


def stepped(
    module: nn.Module, optimizer: torch.optim.Optimizer, visited: list[list[torch.Tensor]] | None = None
) -> None:
    def closure() -> torch.Tensor:
        if visited is not None:
            visited.append([p.detach().clone() for p in module.parameters()])
        optimizer.zero_grad()
        loss = F.cross_entropy(module(X), Y)
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[arg-type]


def test_agrees_with_a_step_written_by_hand() -> None:
    a, b = net(), net()
    sam, plain = SAM(0.3).optimizer(a, sgd(a)), sgd(b)
    for _ in range(3):
        stepped(a, sam)
        here = copy.deepcopy(b)
        up = torch.autograd.grad(F.cross_entropy(here(X), Y), list(here.parameters()))
        norm = torch.cat([g.flatten() for g in up]).norm()
        there = copy.deepcopy(b)
        with torch.no_grad():
            for p, g in zip(there.parameters(), up, strict=True):
                p += 0.3 * g / norm
        slopes = torch.autograd.grad(F.cross_entropy(there(X), Y), list(there.parameters()))
        for p, g in zip(b.parameters(), slopes, strict=True):
            p.grad = g
        plain.step()
        b.load_state_dict(b.state_dict() | dict(here.named_buffers()))  # the first pass's running figures
        assert all(v.allclose(w, atol=1e-6) for v, w in zip(a.parameters(), b.parameters(), strict=True))
        assert all(v.allclose(w) for v, w in zip(a.buffers(), b.buffers(), strict=True))


def test_goes_rho_far_and_comes_back() -> None:
    module, visited = net(), []  # type: tuple[nn.Module, list[list[torch.Tensor]]]
    stepped(module, SAM(0.3).optimizer(module, torch.optim.SGD(module.parameters(), lr=0.0)), visited)
    here, there = visited
    way = torch.cat([(a - b).flatten() for a, b in zip(here, there, strict=True)])
    assert way.norm().item() == pytest.approx(0.3, rel=1e-5)
    assert all(p.equal(w) for p, w in zip(module.parameters(), here, strict=True))


def test_batch_norm_counts_a_step_once() -> None:
    module = net()
    stepped(module, SAM(0.3).optimizer(module, sgd(module)))
    norm = module[1]
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.num_batches_tracked == 1
    assert norm.track_running_stats


def test_state_is_that_of_the_wrapped_optimiser() -> None:
    a = net()
    sam = SAM(0.3).optimizer(a, sgd(a))
    stepped(a, sam)
    b = copy.deepcopy(a)
    other = SAM(0.3).optimizer(b, sgd(b))
    other.load_state_dict(copy.deepcopy(sam.state_dict()))
    assert isinstance(other, SharpnessAware)
    assert other.state is other.built.state
    assert other.param_groups is other.built.param_groups
    for module, optimizer in ((a, sam), (b, other)):
        stepped(module, optimizer)
    assert all(v.equal(w) for v, w in zip(a.parameters(), b.parameters(), strict=True))


class Draws(Callback):
    """What the dropout of each pass left out, and the learning rate and step of each batch."""

    def __init__(self) -> None:
        self.masks: list[torch.Tensor] = []
        self.rates: list[tuple[int, float]] = []

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        layer = next(m for m in module.modules() if isinstance(m, nn.Dropout))
        layer.register_forward_hook(lambda m, _, after: self.masks.append(after == 0) if m.training else None)

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        self.rates.append((trainer.global_step, trainer.optimizers[0].param_groups[0]["lr"]))


def test_both_passes_see_the_same_draws_and_count_as_one_step(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*overrides: str) -> Draws:
        draws = Draws()
        monkeypatch.setattr(fit, "_trainer", lambda *args: real(*args[:3], [*args[3], draws]))
        trained("mitigation=[dropout,noise]", *overrides)
        return draws

    real = fit._trainer
    twice, once = run("mitigation=[dropout,noise,sam]"), run()
    assert len(twice.masks) == 2 * len(once.masks)
    assert all(a.equal(b) for a, b in zip(twice.masks[::2], twice.masks[1::2], strict=True))
    assert twice.rates == once.rates


def test_checkpoints_are_of_plain_types_and_the_wrapped_state(trained: Any, tmp_path: Path) -> None:
    trainer, _ = trained("mitigation=[sam,weight_decay]")
    trainer.save_checkpoint(tmp_path / "state.ckpt")
    state = torch.load(tmp_path / "state.ckpt", weights_only=True)["optimizer_states"][0]
    assert all(entry["step"] == trainer.global_step for entry in state["state"].values())
    assert len(state["state"]) == len(list(trainer.lightning_module.net.parameters()))


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=sam", "mitigation.sam.rho=0.0")
    assert not same_as_none("mitigation=sam")


def test_out_of_range_is_refused(built: Any) -> None:
    with pytest.raises(UserError, match=r"mitigation\.sam\.rho=-1: must be at least 0$"):
        built(SAM, rho=-1)
