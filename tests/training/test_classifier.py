"""The training step: the loss of the whole global batch, draws that no other mitigation moves, a one-cycle schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, Trainer
from torch import Tensor

from overcast.mitigation import Batch, Mitigation
from overcast.model.ann import ANN
from overcast.prediction.preprocessor import Standardizer
from overcast.prediction.trained_network import open_config_pack
from overcast.prepare.split import read_parts
from overcast.training.classifier import WARM_UP, ClassifierModule
from overcast.training.datamodule import PackDataModule
from overcast.training.train import train


class Seen(Mitigation):
    """Keeps what it was given, and the numbers it drew; adds ``extra`` to the loss."""

    def __init__(self, extra: float = 0.0) -> None:
        self.extra, self.batches, self.draws, self.losses = extra, [], [], []  # type: ignore[var-annotated]

    def batch(self, batch: Batch, generator: torch.Generator) -> Batch:
        self.batches.append(batch)
        self.draws.append(torch.rand(3, generator=generator))
        return batch

    def loss(self, net: Any, logits: Tensor, target: Tensor) -> float:
        self.losses.append(net.loss(logits, target).mean().item())
        return self.extra


class Rates(Callback):
    def __init__(self) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, module: Any, outputs: Any, *_: Any) -> None:
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])
        self.losses.append(float(outputs["loss"]))


@pytest.fixture
def fitted(config: Any) -> Any:
    """Fit a tiny ANN for two epochs with these mitigations; the module and the rates it had."""
    cfg = config()
    pack = open_config_pack(cfg)

    def fit(**mitigations: Mitigation) -> tuple[ClassifierModule, Rates]:
        parts = read_parts(Path(cfg.data_dir), "skies", 0, 0, 10)
        datamodule, rates = PackDataModule(pack, parts, 16, seed=0), Rates()
        torch.manual_seed(0)
        module = ClassifierModule(
            Standardizer(pack.spec).fit(pack, datamodule.train),
            ANN(pack.spec, 8),
            mitigations,
            seed=0,
            lr=0.01,
            classes=5,
        )
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=2,
            num_sanity_val_steps=0,
            enable_model_summary=False,
            callbacks=[rates],
            **quiet,
        )
        trainer.fit(module, datamodule)
        return module, rates

    return fit


pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore::FutureWarning", "ignore::DeprecationWarning"
)


def test_the_loss_is_the_batch_mean_plus_what_mitigations_add(fitted: Any) -> None:
    seen = Seen(extra=0.5)
    _, rates = fitted(seen=seen)
    assert len(rates.losses) == 10
    assert rates.losses == pytest.approx([loss + 0.5 for loss in seen.losses], rel=1e-5)


def test_mitigations_see_standardised_batches_and_their_own_draws(fitted: Any) -> None:
    alone, first, second = Seen(), Seen(), Seen()
    fitted(b=alone)
    fitted(a=first, b=second)
    assert torch.cat([batch.x for batch in alone.batches[:5]]).mean().abs() < 1e-4
    assert all(x.equal(y) for x, y in zip(alone.draws, second.draws, strict=True))
    assert not first.draws[0].equal(second.draws[0])
    assert len({tuple(draw.tolist()) for draw in alone.draws}) == len(alone.draws)
    assert all(x.x.equal(y.x) for x, y in zip(alone.batches, second.batches, strict=True))


def test_mitigations_apply_in_order(fitted: Any) -> None:
    class Doubled(Mitigation):
        def batch(self, batch: Batch, generator: torch.Generator) -> Batch:
            return batch._replace(x=batch.x * 2)

    before, after = Seen(), Seen()
    fitted(before=before, doubled=Doubled(), after=after)
    assert after.batches[0].x.equal(before.batches[0].x * 2)


def test_the_rate_climbs_to_lr_and_falls_to_nothing(fitted: Any) -> None:
    _, rates = fitted()
    top = max(range(10), key=rates.rates.__getitem__)
    assert top == pytest.approx(10 * WARM_UP - 1, abs=1)
    assert max(rates.rates) <= 0.01 * (1 + 1e-6)
    assert rates.rates[-1] < 1e-3
    assert rates.rates[:top] == sorted(rates.rates[:top])


def test_measuring_changes_nothing_and_draws_nothing(fitted: Any) -> None:
    module, _ = fitted(seen=Seen())
    module.eval()
    x, length = torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.full((2,), 16)
    before = torch.get_rng_state()
    assert module(x, length).equal(module(x, length))
    assert module(x, length).dtype == torch.float32
    assert torch.get_rng_state().equal(before)


def test_each_group_of_weights_climbs_to_its_own_learning_rate(fitted: Any) -> None:
    class Slow(Mitigation):
        def optimizer(self, net: Any, built: torch.optim.Optimizer) -> torch.optim.Optimizer:
            first, *rest = built.param_groups[0]["params"]
            built.param_groups[0]["params"] = rest
            built.add_param_group({"params": [first], "lr": 0.001})
            return built

    module, _ = fitted(slow=Slow())
    groups = module.trainer.optimizers[0].param_groups
    assert [group["max_lr"] for group in groups] == [0.01, 0.001]


def weights(run: Any) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(run.path("model.pt"), weights_only=True)["net"]
    return found


def apart(one: Any, other: Any) -> float:
    """The largest difference between the weights of two runs."""
    ours, theirs = weights(one), weights(other)
    return max(float((value - theirs[name]).abs().max()) for name, value in ours.items())


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["mitigation=sam", "trainer.gradient_clip_val=0.5"],
        ["mitigation=[l1,class_weights]", "imbalance_ratio=2"],
    ],
    ids=" ".join,
)
def test_accumulated_batches_are_one_large_one(config: Any, words: list[str]) -> None:
    exact = ["trainer.precision=64-true", "epochs=3", *words]  # so that rounding hides nothing
    large = train(config("batch_size=30", *exact))
    parts = train(config("batch_size=10", "trainer.accumulate_grad_batches=3", *exact))
    assert apart(large, parts) < 1e-9
    assert large.facts["identity"] != parts.facts["identity"]
    assert apart(large, train(config("batch_size=10", *exact))) > 1e-4


def test_each_accumulated_batch_has_draws_of_its_own(config: Any) -> None:
    words = ["mitigation=noise", "batch_size=10", "trainer.accumulate_grad_batches=3", "epochs=1"]
    seen: list[Tensor] = []

    class Kept(Seen):
        def batch(self, batch: Batch, generator: torch.Generator) -> Batch:
            seen.append(torch.rand(1, generator=generator))
            return batch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("overcast.mitigation.noise.Noise.batch", lambda _, batch, draws: Kept().batch(batch, draws))
        train(config(*words))
    assert len({float(draw) for draw in seen}) == len(seen) == 9


@pytest.mark.parametrize("mitigation", ["none", "sam"])
def test_gradients_are_clipped_to_the_length_and_so_is_sams_second(
    config: Any, mitigation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[float] = []
    step = torch.optim.AdamW.step

    def measured(optimizer: Any, closure: Any = None) -> Any:
        evaluated: list[Any] = []
        if closure is not None:
            evaluated.append(closure())
        slopes = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        lengths.append(float(torch.nn.utils.get_total_norm(slopes)))
        step(optimizer)
        return evaluated[0] if evaluated else None

    monkeypatch.setattr(torch.optim.AdamW, "step", measured)
    bare = train(config(f"mitigation={mitigation}"))
    free, lengths[:] = list(lengths), []
    limit = sorted(free)[len(free) // 2]
    clipped = train(config(f"mitigation={mitigation}", f"trainer.gradient_clip_val={limit}"))
    assert max(lengths) <= limit * 1.0001
    assert min(lengths) < limit * 0.9999  # a shorter one is left alone
    assert apart(bare, clipped) > 0
    assert bare.facts["identity"] != clipped.facts["identity"]
