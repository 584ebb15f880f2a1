"""What the tests of the mitigations share: a batch to change, a run to look into, and a run without any."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer

from overcast.config.options import Option
from overcast.core.seeding import generator
from overcast.mitigation import Batch, Mitigation
from overcast.prediction.build import build_mitigations
from overcast.tracking.run_folder import Run
from overcast.training import fit
from overcast.training.train import train


@pytest.fixture
def built() -> Callable[..., Mitigation]:
    """A mitigation as a run builds it: ``built(Dropout, p=0.3)``."""

    def built(target: type[Mitigation], **values: Any) -> Mitigation:
        option = Option.from_dict({"_target_": f"{target.__module__}.{target.__qualname__}", **values})
        return build_mitigations([option], "image")[option.name]

    return built


@pytest.fixture
def pictures() -> Batch:
    """64 standardised pictures of 16 pixels, four classes."""
    x = torch.randn(64, 3, 16, 16, generator=generator("pictures"))
    return Batch(x, torch.arange(64) % 4, torch.full((64,), 16), 4)


@pytest.fixture
def sequences() -> Batch:
    """64 standardised sequences of 3 to 10 steps, four classes."""
    length = torch.arange(64) % 8 + 3
    x = torch.randn(64, 10, 2, generator=generator("sequences"))
    return Batch(x * (torch.arange(10) < length[:, None])[..., None], torch.arange(64) % 4, length, 4)


def outcome(run: Run) -> tuple[dict[str, torch.Tensor], list[dict[str, str]]]:
    """The weights, and the learning curves."""
    with run.path("history.csv").open() as file:
        return torch.load(run.path("model.pt"), weights_only=True)["net"], list(csv.DictReader(file))


@pytest.fixture
def same_as_none(config: Any) -> Callable[..., bool]:
    """Whether a run with these overrides ends as the one without mitigation, bit for bit."""

    def same(*overrides: str) -> bool:
        base = [override for override in overrides if not override.startswith("mitigation")]
        (weights, curves), (bare, plain) = outcome(train(config(*overrides))), outcome(train(config(*base)))
        return all(weights[name].equal(bare[name]) for name in bare) and curves == plain

    return same


@pytest.fixture
def trained(config: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Trainer, Run]]:
    """Trains with these overrides; gives Lightning's trainer, which has the trained module, and the run."""
    made: list[Trainer] = []
    real = fit._trainer

    def recorded(*args: Any) -> Trainer:
        made.append(real(*args))
        return made[-1]

    def trained(*overrides: str) -> tuple[Trainer, Run]:
        run = train(config(*overrides))
        return made[-1], run

    monkeypatch.setattr(fit, "_trainer", recorded)
    return trained
