"""Equal computing: as many epochs for each cell of a study as take the training time of the baseline's.

What a training takes is a fixed part, such as an unsupervised pre-training, and one for each epoch: two short trainings
of different lengths tell both. All cells are timed in turn, several times over, so that whatever else the machine does
falls on all of them alike.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from overcast.config.run_config import RunConfig
from overcast.core.console import show
from overcast.core.errors import DivergedError, UserError
from overcast.core.progress import progress_bar
from overcast.statistics.estimates import Array
from overcast.study.lookup import CELL_LENGTH
from overcast.study.progress import redirect, restore
from overcast.tracking.identity import run_name
from overcast.tracking.metadata import STRENGTH, run_params
from overcast.tracking.study_info import StudyInfo

ROUNDS = 3
SHORT, LONG = 1, 3
"""Of the two trainings, in looks at the train and validation part; where so few take no time, the second is longer."""
MIN_SECONDS = 1.0
"""By which the longer one must take longer."""
CHEAPEST = 0.1
"""Of the baseline's time an epoch: noise alone makes one look cheaper."""


def refuse_unequal(configs: Sequence[RunConfig]) -> None:
    """Raises: UserError if the cells' epochs are chosen already, or could be chosen too coarsely."""
    lengths = sorted({config.epochs for config in configs})
    if len(lengths) > 1:
        raise UserError(
            f"study.equal=compute chooses the epochs of each cell, and this study varies them "
            f"({', '.join(map(str, lengths))}). Give one number of epochs, or leave study.equal=compute out"
        )
    epochs, apart = configs[0].epochs, _apart(configs[0])
    if apart * apart > epochs:
        raise UserError(
            f"study.equal=compute gives each cell a multiple of {apart} epochs, since train and validation part are "
            f"looked at every {apart}: too coarse for {epochs}. Set measure_every={math.isqrt(epochs)} or less"
        )


def _apart(config: RunConfig) -> int:
    """Epochs from one look to the next."""
    return math.gcd(config.epochs, config.measure_every)


def equal_contexts(cells: Mapping[str, RunConfig]) -> list[dict[str, RunConfig]]:
    """The cells, by name, that are to take the same time: those that `overcast.comparison.pairs.contexts` compares.

    That is whatever differs in its mitigation alone; where the mitigation is the same in all, all of a data set.
    """
    of_mitigations = len({config.mitigation_name for config in cells.values()}) > 1
    contexts: dict[str, dict[str, RunConfig]] = {}
    for name, config in cells.items():
        rest = {
            key: value
            for key, value in run_params(config).items()
            if key != "mitigation" and not key.startswith(STRENGTH)
        }
        key = json.dumps(rest, default=str) if of_mitigations else config.data.name
        contexts.setdefault(key, {})[name] = config
    return list(contexts.values())


def study_epochs(
    contexts: Sequence[Mapping[str, RunConfig]], known: Mapping[str, int], study: StudyInfo
) -> dict[str, int]:
    """`equal_epochs` of all contexts, by the beginnings of the cells' identities; says what is not as configured."""
    epochs = dict(known)
    for cells in contexts:
        epochs |= equal_epochs({name[:CELL_LENGTH]: config for name, config in cells.items()}, epochs, study)
        for name, config in cells.items():
            if (many := epochs[name[:CELL_LENGTH]]) != config.epochs:
                show(f"{run_name(config).rpartition(' · ')[0]}: {many} epochs instead of {config.epochs}", flush=True)
    return epochs


def equal_epochs(cells: Mapping[str, RunConfig], known: Mapping[str, int], study: StudyInfo) -> dict[str, int]:
    """How many epochs of each of these cells of one context take as long as the baseline's own.

    known: those that were found out before. The baseline is the cell without mitigation, or the first. What the short
    trainings print is in ``timing.log`` in the study's folder. A cell that diverges keeps its epochs.
    """
    baseline = next((name for name, cell in cells.items() if cell.mitigation_name == "none"), next(iter(cells)))
    chosen = {name: known.get(name, config.epochs) for name, config in cells.items()}
    others = [name for name in cells if name not in known and name != baseline]
    config = cells[baseline]
    if not others or config.debug:  # in which every training is as short
        return chosen
    show(f"study.equal=compute: timing {1 + len(others)} cells, {ROUNDS} times each", flush=True)
    took = _timed([cells[name] for name in (baseline, *others)], study)
    apart = _apart(config)
    wanted = comparable_looks(*took, config.epochs // apart)[1:]
    return chosen | {
        name: apart * max(1, round(looks))
        for name, looks in zip(others, wanted.tolist(), strict=True)
        if math.isfinite(looks)
    }


def comparable_looks(seconds: Array, lengths: tuple[int, int], looks: int) -> Array:
    """How many looks (C,) of each cell take the time that so many of the first one's take: the median over rounds.

    seconds: (rounds, C, 2), of trainings as long as the two ``lengths``. NaN where a cell's are not known.
    """
    short, long = np.moveaxis(seconds, 2, 0)
    each = (long - short) / (lengths[1] - lengths[0])
    each = np.maximum(each, CHEAPEST * each[:, :1])
    fixed = short - lengths[0] * each
    whole = fixed[:, :1] + looks * each[:, :1]
    median: Array = np.median((whole - fixed) / each, 0)
    return median


def _timed(configs: list[RunConfig], study: StudyInfo) -> tuple[Array, tuple[int, int]]:
    """The seconds (rounds, C, 2) of two short trainings of each cell, and how many looks the two have."""
    apart = _apart(configs[0])
    copies = redirect(Path(study.folder) / "timing.log")
    try:
        with TemporaryDirectory(prefix="overcast-") as folder:

            def seconds(config: RunConfig, looks: int) -> float:
                return _seconds(replace(config, epochs=looks * apart, run=str(Path(folder) / "run")), study)

            long = _measurable(lambda looks: seconds(configs[0], looks), configs[0].epochs // apart)
            turns = progress_bar(configs * ROUNDS, "timing", "training", os.dup(copies[1]))
            took = [[seconds(config, looks) for looks in (SHORT, long)] for config in turns]
    finally:
        restore(copies)
    return np.reshape(took, (ROUNDS, len(configs), 2)), (SHORT, long)


def _measurable(seconds: Callable[[int], float], most: int) -> int:
    """How many looks take long enough to be told from ``SHORT``; more than ``LONG`` only up to what a training has."""
    looks, short = LONG, seconds(SHORT)
    while looks < most and seconds(looks) - short < MIN_SECONDS:
        looks = min(2 * looks, most)
    return looks


def _seconds(config: RunConfig, study: StudyInfo) -> float:
    """Seconds of one training that is recorded nowhere, of the processor where nothing else computes; NaN if it
    diverges.
    """
    from overcast.training.plan import make_plan
    from overcast.training.train import execute

    plan = make_plan(config, study.sharing, study.machine)
    alone = plan.devices.accelerator == "cpu" and plan.devices.ranks == 1
    clock = time.process_time if alone else time.perf_counter
    began = clock()
    try:
        execute(plan, None)
    except DivergedError:
        return math.nan
    return clock() - began
