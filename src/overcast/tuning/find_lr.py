"""A learning-rate range test: how the training loss goes while the learning rate climbs from tiny to far too large.

Smith (2017), "Cyclical Learning Rates for Training Neural Networks". A guide, and no more: the test part is not looked
at, nor is the validation part, and nothing is kept but data and first weights that are made on the way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pytorch_lightning import Callback, LightningModule, Trainer

from overcast.config.run_config import RunConfig
from overcast.core.atomic import whole_file
from overcast.core.console import show
from overcast.core.errors import UserError
from overcast.core.progress import open_bar
from overcast.html.figures import canvas, png
from overcast.html.style import BLUE, GREY
from overcast.training.assemble import assemble
from overcast.training.fit import fit_module, set_up_torch
from overcast.training.train import first_run, prepared_plan

LOWEST, HIGHEST = 1e-6, 1.0
STEPS = 100
SMOOTHING = 0.9
"""How much of the mean loss so far is kept at each step."""
WORSE = 4.0
"""Times the least loss, above which higher rates are not tried."""
LEAST_STEPS = 10
"""From which there is a curve to read."""


@dataclass(frozen=True)
class RangeTest:
    """rates (N,) and the smoothed training loss (N,) at each."""

    rates: np.ndarray
    losses: np.ndarray

    @property
    def steepest(self) -> float:
        """Where the loss falls fastest, in a step of the logarithm of the rate."""
        return float(self.rates[np.gradient(self.losses, np.log(self.rates)).argmin()])

    @property
    def least(self) -> float:
        """Where the loss is least: from there on it is no longer stable."""
        return float(self.rates[self.losses.argmin()])

    @property
    def suggested(self) -> float:
        """A tenth of the rate of the least loss, to one digit."""
        return float(f"{self.least / 10:.0e}")


class ClimbingRate(Callback):
    """Multiplies the learning rates of all groups alike, step by step, and keeps the smoothed loss of each step."""

    def __init__(self, lr: float, lowest: float, highest: float, steps: int) -> None:
        self.lr, self.planned = lr, np.geomspace(lowest, highest, steps)
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.mean = 0.0

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.shares = [group["max_lr"] / self.lr for group in trainer.optimizers[0].param_groups]
        self.bar = open_bar(total=len(self.planned), desc="range test", unit="step", dynamic_ncols=True)

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        rate = self.planned[min(trainer.global_step, len(self.planned) - 1)]
        for group, share in zip(trainer.optimizers[0].param_groups, self.shares, strict=True):
            group["lr"] = rate * share

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        step = trainer.global_step
        if step == len(self.rates):  # one of several batches of a step
            return
        self.bar.update()
        self.mean = SMOOTHING * self.mean + (1 - SMOOTHING) * float(outputs["loss"])
        loss = self.mean / (1 - SMOOTHING**step)
        if math.isfinite(loss):
            self.rates.append(float(self.planned[step - 1]))
            self.losses.append(loss)
        over = not math.isfinite(loss) or loss > WORSE * min(self.losses) or step == len(self.planned)
        if over:
            trainer.should_stop = True

    def on_fit_end(self, *_: Any) -> None:
        self.bar.close()


def range_test(config: RunConfig) -> RangeTest:
    """Train for `STEPS` steps at most, on one device, with the mitigations that are chosen, from the weights that a
    run would start from; nothing is left of it.

    Raises: UserError as a training does before it begins, or if the loss is not finite from the beginning.
    """
    if config.debug:
        raise UserError("debug=true has two steps, and a learning rate is found by a hundred: leave it out")
    plan = prepared_plan(config)
    first = first_run(plan)
    devices = replace(plan.devices, ranks=1, gpus=plan.devices.gpus[:1])
    set_up_torch(devices)
    longer = replace(config, epochs=STEPS, measure_every=STEPS)  # more steps than are taken
    assembled = assemble(longer, plan.pack.spec, plan.parts, devices, first)
    climbing = ClimbingRate(config.lr, LOWEST, HIGHEST, STEPS)
    with TemporaryDirectory(prefix="overcast-") as folder:
        fit_module(assembled, longer, devices, Path(folder), [climbing])
    if len(climbing.rates) < LEAST_STEPS:
        raise UserError("the training loss is not finite, even at the lowest learning rates: look at the data")
    return RangeTest(np.array(climbing.rates), np.array(climbing.losses))


def draw_range_test(path: Path, test: RangeTest, lr: float) -> None:
    """The loss against the rate, what it suggests, and the rate that is set."""
    figure, ((axes,),) = canvas(6, 4)
    axes.plot(test.rates, test.losses, color=BLUE)
    axes.axvline(test.suggested, color=BLUE, linestyle="--", label=f"suggested: lr={test.suggested:g}")
    axes.axvline(lr, color=GREY, linestyle=":", label=f"set: lr={lr:g}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss, smoothed", title="learning-rate range test")
    axes.xaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file(path, png(figure))


def find_lr(config: RunConfig, out: Path) -> RangeTest:
    """Run the test, draw it into ``out`` and say what it suggests. Raises: UserError as `range_test`."""
    test = range_test(config)
    draw_range_test(out, test, config.lr)
    show(
        f"the training loss falls fastest at lr={test.steepest:.2g} and is least at lr={test.least:.2g}\n"
        f"suggested: lr={test.suggested:g}, a tenth of that (set: lr={config.lr:g}); the curve: {out}"
    )
    return test
