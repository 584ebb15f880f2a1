"""Does the search beat random search? Many searches by both, at the same number of trained epochs.

    python benchmarks/tuning.py                  576 trainings, then 300 searches: a few minutes of one core
    python benchmarks/tuning.py repeats=200

Searches of an ANN on scikit-learn's handwriting, on three tenths of its train part: 288 points of learning rate, batch
size and four mitigations. All are trained once, in two folds, ten epochs each, in a bare loop (the same network,
mitigations and schedule as any run's); then searches look up what a training would have shown. So hundreds of searches
cost what two would, and all ways see the same trainings. Prints the table of docs/tuning.md.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch

from overcast.config.run_config import RunConfig
from overcast.config.script import plain_script
from overcast.core.errors import UserError
from overcast.core.progress import progress_bar
from overcast.prepare.pack import Pack
from overcast.tuning.space import Choice, Space

EPOCHS = 10
FOLDS = (0, 1)
BUDGETS = (10, 20, 40)
"""Whole trainings that a search may cost."""
SPACE = Space(
    "benchmark",
    {"lr": Choice((0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)), "batch_size": Choice((32, 128))},
    {
        "batch_norm": {},
        "dropout": {"p": Choice((0.2, 0.5))},
        "label_smoothing": {"epsilon": Choice((0.1,))},
        "weight_decay": {"strength": Choice((0.5,))},
    },
)
WORDS = (
    "data=digits",
    "model=ann",
    "train_fraction=0.3",
    f"epochs={EPOCHS}",
    "tracking=off",
    "trainer=cpu",
    "trainer.threads=1",
)
WAYS = ("random", "random, stopping early", "search")
"""Random search trains all trials to the end; the last is what pipelines/tune.py does."""


@dataclass
class Arguments:
    """repeats: searches of each way in each fold. folder: for the data."""

    repeats: str = "50"
    folder: str = "tuning-benchmark"


@dataclass(frozen=True)
class Training:
    """The validation curve (epochs,) of one point, inf from where it diverged, and the test figure of its weights."""

    curve: np.ndarray
    test: float

    @property
    def value(self) -> float:
        return float(self.curve[-1])


def points() -> Iterator[dict[str, Any]]:
    """All of the space."""
    names = [*SPACE.options, *(f"mitigation.{name}" for name in SPACE.mitigations or ())]
    values = [*(d.examples for d in SPACE.options.values()), *([False, True] for _ in SPACE.mitigations or ())]
    for chosen in product(*values):
        point = dict(zip(names, chosen, strict=True))
        strengths = {
            f"mitigation.{name}.{key}": dimension.examples
            for name, own in (SPACE.mitigations or {}).items()
            for key, dimension in own.items()
            if point[f"mitigation.{name}"]
        }
        for some in product(*strengths.values()):
            yield point | dict(zip(strengths, some, strict=True))


def key(point: Any) -> str:
    return " ".join(SPACE.words(point))


def train_table(fold: int) -> dict[str, Training]:
    """Every point's training."""
    from overcast.config.compose import compose_config
    from overcast.prediction.trained_network import open_config_pack
    from overcast.training.datamodule import PackDataModule
    from overcast.training.plan import make_plan

    torch.set_num_threads(1)
    base = compose_config(*WORDS, *SPACE.words(next(points())), f"split.fold={fold}")
    everything = compose_config(*WORDS, *SPACE.words(list(points())[-1]))
    options = {option.name: option for option in everything.mitigation}
    plan, pack = make_plan(base, 2), open_config_pack(base)
    table = {}
    for point in progress_bar(list(points()), f"training, fold {fold}", "run"):
        chosen = [
            replace(option, values={key: point.get(f"mitigation.{name}.{key}", v) for key, v in option.values.items()})
            for name, option in options.items()
            if point[f"mitigation.{name}"]
        ]
        config = replace(base, lr=point["lr"], batch_size=point["batch_size"], mitigation=tuple(chosen))
        table[key(point)] = train_point(
            config, pack, PackDataModule(pack, plan.parts, config.batch_size, config.seed), plan.parts
        )
    return table


def train_point(config: RunConfig, pack: Pack, data: Any, parts: np.ndarray) -> Training:
    """The curve of one run, and its test figure."""
    from overcast.core.seeding import derive_seed
    from overcast.mitigation import Batch
    from overcast.prediction.build import build
    from overcast.prediction.preprocessor import build_preprocessor
    from overcast.training.classifier import WARM_UP
    from overcast.training.plan import n_batches

    net, mitigations = build(config, pack.spec)
    preprocessor = build_preprocessor(pack.spec, net.input_stats, False).fit(pack, data.train)
    inputs = {}
    for part, rows in {
        "train": data.train,
        "validation": data.validation,
        "test": np.flatnonzero(parts == "test"),
    }.items():
        x, length = (torch.from_numpy(array) for array in pack.gather(rows))
        inputs[part] = preprocessor(x, length), torch.from_numpy(pack.labels[rows]), length
    x, y, length = inputs["train"]
    optimizer = net.optimizer(config.lr)
    for mitigation in mitigations.values():
        optimizer = mitigation.optimizer(net, optimizer)
    steps = n_batches(len(y), config.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.lr, config.epochs * steps, pct_start=WARM_UP, cycle_momentum=False
    )
    curve = []
    for epoch in range(config.epochs):
        net.train()
        for number, rows in enumerate(np.array_split(data._shuffled(np.arange(len(y)), "order", epoch), steps)):
            torch.default_generator.manual_seed(derive_seed(config.seed, "layers", epoch * steps + number, 0))
            batch = Batch(x[rows], y[rows], length[rows], len(pack.spec.classes))
            logits = net(batch.x, batch.length)
            losses = net.loss(logits, batch.y)
            for mitigation in mitigations.values():
                losses = losses + mitigation.loss(net, logits, batch.y)
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
            schedule.step()
        curve.append(measured(net, inputs["validation"]))
    curve = [value if np.isfinite(curve[:at]).all() else np.inf for at, value in enumerate(curve)]
    return Training(np.nan_to_num(np.array(curve), nan=np.inf), measured(net, inputs["test"]))


@torch.inference_mode()
def measured(net: Any, part: Any) -> float:
    """The negative log-likelihood."""
    x, y, length = part
    return float(torch.nn.functional.cross_entropy(net.eval()(x, length), y))


def search(table: dict[str, Training], way: str, seed: int) -> list[Training]:
    """One search; its winner at each of the `BUDGETS`."""
    from overcast.tuning.worker import pruner, sampler

    study = optuna.create_study(
        sampler=sampler("benchmark", seed) if way == "search" else optuna.samplers.RandomSampler(seed=seed),
        pruner=optuna.pruners.NopPruner() if way == "random" else pruner(),
    )
    costs: list[tuple[int, Training | None]] = []
    seen: dict[str, Training] = {}
    study.optimize(
        partial(objective, table=table, costs=costs, seen=seen),
        callbacks=[lambda study, _: study.stop() if sum(c for c, _ in costs) >= EPOCHS * BUDGETS[-1] else None],
    )
    spent = np.cumsum([cost for cost, _ in costs])
    return [
        min((t for (_, t), at in zip(costs, spent, strict=True) if t and at <= EPOCHS * many), key=lambda t: t.value)
        for many in BUDGETS
    ]


def objective(
    trial: optuna.Trial, table: dict[str, Training], costs: list[tuple[int, Training | None]], seen: dict[str, Training]
) -> float:
    """As `overcast.tuning.objective.objective`, from the table; adds the epochs that it cost."""
    name = key(SPACE.suggest(trial))
    if name in seen:
        return seen[name].value
    training = table[name]
    for epoch, value in enumerate(training.curve, 1):
        if not np.isfinite(value):
            costs.append((epoch, None))
            raise optuna.TrialPruned
        trial.report(float(value), epoch)
        if epoch < EPOCHS and trial.should_prune():
            costs.append((epoch, None))
            raise optuna.TrialPruned
    costs.append((EPOCHS, training))
    seen[name] = training
    return training.value


def interval(values: np.ndarray) -> str:
    """Mean and 95 % interval of independent repeats."""
    half = 1.96 * values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():+.4f} [{values.mean() - half:+.4f}, {values.mean() + half:+.4f}]".replace("-", "−")


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.core.paths import HOME

    if not arguments.repeats.isdigit() or int(arguments.repeats) < 2:
        raise UserError(f"repeats={arguments.repeats}: give a whole number, 2 or more")
    folder, repeats = Path(arguments.folder).absolute(), int(arguments.repeats)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[HOME] = str(folder)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    prepare()
    winners: dict[str, list[list[Training]]] = {way: [] for way in WAYS}
    for fold in FOLDS:
        table = train_table(fold)
        best = min(table.values(), key=lambda t: t.value)
        print(
            f"fold {fold}: {len(table)} points; the best has validation nll {best.value:.4f}, test nll {best.test:.4f}"
        )
        for seed in progress_bar(range(repeats), f"searches, fold {fold}", "repeat"):
            for way in WAYS:
                winners[way].append(search(table, way, seed))
    print(f"{2 * repeats} searches of each way; against random search, validation and test nll of the winner")
    for at, many in enumerate(BUDGETS):
        mean = np.mean([found[at].test for found in winners["random"]])
        print(f"{many * EPOCHS} epochs ({many} whole trainings): random search has test nll {mean:.4f}")
        for way in WAYS[1:]:
            pairs = list(zip(winners[way], winners["random"], strict=True))
            validation = np.array([ours[at].value - theirs[at].value for ours, theirs in pairs])
            test = np.array([ours[at].test - theirs[at].test for ours, theirs in pairs])
            print(f"  {way}: validation {interval(validation)}, test {interval(test)}")


def prepare() -> None:
    from overcast.config.compose import compose_config
    from overcast.prepare.missing_steps import prepare_missing

    prepare_missing([compose_config(*WORDS, "mitigation=none")])


if __name__ == "__main__":
    main()
