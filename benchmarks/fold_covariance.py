"""What the folds of one data set have in common: how far more folds and seeds cannot take an error down.

    python benchmarks/fold_covariance.py folder=calibration            three hours on two cores; goes on if stopped
    python benchmarks/fold_covariance.py folder=calibration data_sets=20    a first look

Synthetic skies can be drawn anew as often as one likes. Each data set is split into five folds, and each fold trained
with three seeds, without and with a mitigation: what varies between data sets beyond what varies within them is what
their folds share (Nadeau & Bengio 2003; Bouckaert 2003 calibrated his tests so). Writes the table that studies use,
src/overcast/statistics/fold_covariance.csv: the covariance of two folds' differences over the variance of one run's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch

from _small_runs import FOLDS, OUTCOMES, small_run
from overcast.config.script import plain_script
from overcast.core.atomic import whole_file
from overcast.core.paths import ROOT

SEEDS = 3
SIZES = (200, 600)
"""Pictures of a data set, four fifths of which train or validate."""
NETWORKS = {"fully_connected": "dnn", "convolutional": "cnn"}
CELLS = ("none", "augmentation", "label_smoothing")
COLUMNS = ("network", "size", "data_set", "cell", "fold", "seed", *OUTCOMES)
TABLE = ROOT / "src" / "overcast" / "statistics" / "fold_covariance.csv"


@dataclass
class Arguments:
    """folder: where results are kept. data_sets: how many of each size. jobs: processes at once.

    table: the file to write.
    """

    folder: str
    data_sets: str = "100"
    jobs: str = "2"
    table: str = str(TABLE)


def measure_data_set(folder: str, size: int, number: int) -> None:
    """All runs on one data set, into a file of its own."""
    path = Path(folder) / f"{size}-{number:03d}.csv"
    scratch = path.with_suffix("")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    lines = [",".join(COLUMNS)]
    for network, model in NETWORKS.items():
        for cell in CELLS:
            for fold in range(FOLDS):
                for seed in range(SEEDS):
                    figures = small_run(
                        scratch, size, 2 * number + SIZES.index(size), model, cell, fold, fold * SEEDS + seed
                    )
                    lines.append(",".join(map(str, (network, size, number, cell, fold, seed, *figures))))
    whole_file(path, "\n".join(lines) + "\n")
    shutil.rmtree(scratch)


def differences(folder: Path, network: str, size: int, outcome: str) -> list[object]:
    """Of each mitigation, the paired differences to none: (data sets, folds, seeds) of what is measured so far."""
    import pandas as pd

    files = sorted(folder.glob(f"{size}-*.csv"))
    rows = pd.concat([pd.read_csv(path) for path in files])
    rows = rows[rows["network"] == network]
    shape = (-1, FOLDS, SEEDS)
    each = {
        str(cell): some.sort_values(["data_set", "fold", "seed"])[outcome].to_numpy(float).reshape(shape)
        for cell, some in rows.groupby("cell")
    }
    return [each[cell] - each["none"] for cell in CELLS[1:]]


def table(folder: Path) -> str:
    """The table of `overcast.statistics.fold_covariance`, as csv."""
    from overcast.statistics.fold_covariance import estimate_fold_covariance

    lines = ["network,outcome,rows,per_run,per_run_error,per_fold,per_fold_error,data_sets"]
    for network in NETWORKS:
        for outcome in OUTCOMES:
            for size in SIZES:
                found = estimate_fold_covariance(differences(folder, network, size, outcome))
                ratios = ",".join(f"{value:.4f}" for value in (*found.per_run, *found.per_fold))
                lines.append(f"{network},{outcome},{size},{ratios},{found.data_sets}")
    return "\n".join(lines) + "\n"


def unmeasured(folder: Path, data_sets: int) -> Iterator[tuple[int, int]]:
    """Size and number of each data set that is still to be measured, the sizes in turns."""
    for number in range(data_sets):
        for size in SIZES:
            if not (folder / f"{size}-{number:03d}.csv").exists():
                yield size, number


@plain_script
def main(arguments: Arguments) -> None:
    from tqdm import tqdm

    folder = Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    left = list(unmeasured(folder, int(arguments.data_sets)))
    with ProcessPoolExecutor(int(arguments.jobs), get_context("spawn")) as pool:
        waiting = [pool.submit(measure_data_set, str(folder), size, number) for size, number in left]
        for each in tqdm(as_completed(waiting), total=len(waiting), unit="data set", disable=not waiting):
            each.result()
    whole_file(Path(arguments.table), table(folder))
    print(Path(arguments.table).read_text())


if __name__ == "__main__":
    main()
