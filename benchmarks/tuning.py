"""Does the search beat random search? Many searches by both, at the same number of trained epochs.

    python benchmarks/tuning.py                  a table of 576 trainings, then 400 searches: half an hour on one core
    python benchmarks/tuning.py repeats=20

Searches of an ANN on scikit-learn's handwriting, a fifth of its train part: 288 points of learning rate, batch size and
four mitigations. All are trained once, in two folds, ten epochs each, as the search trains them; then searches look up
what a training would have shown. So hundreds of searches cost what two would, and both ways see the same trainings. The
table is kept in ``folder``. Prints the table of docs/tuning.md.
"""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from overcast.config.script import plain_script
from overcast.core.errors import DivergedError, UserError
from overcast.core.progress import progress_bar
from overcast.tuning.space import Choice, Space

EPOCHS = 10
FOLDS = (0, 1)
BUDGETS = (10, 20, 40)
"""Whole trainings that a search may cost."""
SPACE = Space(
    "benchmark",
    {"lr": Choice((0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)), "batch_size": Choice((16, 64))},
    {
        "batch_norm": {},
        "dropout": {"p": Choice((0.2, 0.5))},
        "label_smoothing": {"epsilon": Choice((0.1,))},
        "weight_decay": {"strength": Choice((0.5,))},
    },
)
WORDS = ("data=digits", "model=ann", "train_fraction=0.2", f"epochs={EPOCHS}", "tracking=off", "trainer=cpu")
WAYS = ("random", "random, stopping early", "search")
"""Random search trains all trials to the end; the last is what pipelines/tune.py does."""


@dataclass
class Arguments:
    """repeats: searches of each way in each fold. folder: for data and the table of trainings."""

    repeats: str = "100"
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


def train_table(folder: Path, fold: int) -> dict[str, Training]:
    """Every point's training, from the file of those that are there."""
    path = folder / f"table-{fold}.csv"
    known = read_table(path) if path.exists() else {}
    missing = [point for point in points() if key(point) not in known]
    for point in progress_bar(missing, f"training, fold {fold}", "run"):
        known[key(point)] = found = train_point(point, fold)
        with path.open("a", encoding="utf8", newline="") as file:
            csv.writer(file).writerow([key(point), found.test, *found.curve])
    return known


def read_table(path: Path) -> dict[str, Training]:
    with path.open(encoding="utf8", newline="") as file:
        rows = [(name, np.array(numbers, float)) for name, *numbers in csv.reader(file)]
    return {name: Training(numbers[1:], float(numbers[0])) for name, numbers in rows}


def train_point(point: Any, fold: int) -> Training:
    """As `overcast.tuning.objective` trains it."""
    import shutil

    from overcast.evaluation.evaluate import measure
    from overcast.prediction.trained_network import open_config_pack
    from overcast.study.tuning import validation
    from overcast.tracking.study_info import StudyInfo
    from overcast.training.feature_cache import restore_for_measuring
    from overcast.training.plan import make_plan
    from overcast.training.train import execute
    from overcast.tuning.definition import Search

    info = StudyInfo("", "", "", 2, "")
    config = Search("", "", (*WORDS, "trainer.threads=1"), SPACE, (fold,), None, 1, "", info).config(point, fold)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        try:
            run = execute(make_plan(config, 2), None, info)
        except DivergedError:
            return Training(np.full(EPOCHS, np.inf), float("inf"))
    trained, pack = restore_for_measuring(run, open_config_pack(config))
    test = measure(trained, pack, np.flatnonzero(run.parts == "test")).figures["nll"]
    curve = np.array(run.history["validation/nll"])
    curve[-1] = validation(run)[0]
    shutil.rmtree(run.folder)
    return Training(curve, test)


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
        table = train_table(folder, fold)
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
