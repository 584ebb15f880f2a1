"""Quick runs of real networks on synthetic skies, of which any number of independent data sets can be drawn."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from _timing import config, quiet

if TYPE_CHECKING:
    from overcast.config.run_config import RunConfig

FOLDS = 5
OUTCOMES = ("accuracy", "nll", "gap_accuracy", "gap_nll")


def small_run(
    folder: Path, size: int, data_seed: int, model: str, mitigation: str, fold: int, seed: int
) -> list[float]:
    """The figures of one run, in the order of `OUTCOMES`. size: pictures of its data set, kept in ``folder``."""
    import numpy as np

    from overcast.evaluation.evaluate import measure
    from overcast.prediction.trained_network import open_run_pack
    from overcast.training.feature_cache import restore_for_measuring
    from overcast.training.metrics import gap
    from overcast.training.train import train

    cell = _config(folder, size, data_seed, model, mitigation)
    with quiet():
        run = train(replace(cell, seed=seed, split=replace(cell.split, fold=fold)))
    pack = open_run_pack(run)
    restored = restore_for_measuring(run, pack)
    rows = [np.flatnonzero(run.parts == part) for part in ("train", "test")]
    train_part, test_part = (measure(*restored, some).figures for some in rows)
    shutil.rmtree(run.folder)
    apart = gap(train_part, test_part)
    return [test_part["accuracy"], test_part["nll"], apart["accuracy"], apart["nll"]]


@cache
def _config(folder: Path, size: int, data_seed: int, model: str, mitigation: str) -> RunConfig:
    """Of one cell on one data set: to compose it takes longer than to train it."""
    words = [f"data.n_samples={size}", "data.size=32", f"data.seed={data_seed}", f"model={model}", "model.scale=0.5"]
    words += [f"mitigation={mitigation}", "epochs=10", "measure_every=10", "batch_size=32", "lr=0.004"]
    composed: RunConfig = config(folder, "data=skies", *words, f"split.folds={FOLDS}", "tracking=off")
    return composed
