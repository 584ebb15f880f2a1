"""Quick runs of real networks on synthetic skies, of which any number of independent data sets can be drawn."""

from __future__ import annotations

import shutil
from pathlib import Path

from _timing import config, quiet

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

    words = [f"data.n_samples={size}", "data.size=32", f"data.seed={data_seed}", f"model={model}", "model.scale=0.5"]
    words += [f"mitigation={mitigation}", "epochs=10", "measure_every=10", "batch_size=32", "lr=0.004"]
    words += [f"split.folds={FOLDS}", f"split.fold={fold}", f"seed={seed}", "tracking=off"]
    with quiet():
        run = train(config(folder, "data=skies", *words))
    pack = open_run_pack(run)
    restored = restore_for_measuring(run, pack)
    rows = [np.flatnonzero(run.parts == part) for part in ("train", "test")]
    train_part, test_part = (measure(*restored, some).figures for some in rows)
    shutil.rmtree(run.folder)
    apart = gap(train_part, test_part)
    return [test_part["accuracy"], test_part["nll"], apart["accuracy"], apart["nll"]]
