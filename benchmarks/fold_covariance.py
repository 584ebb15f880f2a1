"""What the folds of one data set have in common: how far more folds and seeds cannot take an error down.

    python benchmarks/fold_covariance.py                 all data sets: an hour on two idle cores; goes on if stopped
    python benchmarks/fold_covariance.py data_sets=20    until there are so many of each size

Synthetic skies can be drawn anew as often as one likes. Each data set is split into five folds, and each fold trained
with three seeds, without and with a mitigation: what varies between data sets beyond what varies within them is what
their folds share (Nadeau & Bengio 2003; Bouckaert 2003 calibrated his tests so). Writes the table that studies use,
src/overcast/statistics/fold_covariance.csv: the covariance of two folds' differences over the variance of one run's.
What is measured of each data set is kept in fold_covariance_differences.csv, beside this file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch

import numpy as np
import pandas as pd

from _small_runs import FOLDS, OUTCOMES, small_run
from overcast.config.script import plain_script
from overcast.core.atomic import whole_file
from overcast.core.paths import ROOT
from overcast.statistics.fold_covariance import estimate_fold_covariance

SEEDS = 3
SIZES = (200, 600)
"""Pictures of a data set, four fifths of which train or validate."""
NETWORKS = {"fully_connected": "dnn", "convolutional": "cnn"}
CELLS = ("none", "augmentation", "label_smoothing")
TABLE = ROOT / "src" / "overcast" / "statistics" / "fold_covariance.csv"
MEASURED = Path(__file__).with_name("fold_covariance_differences.csv")
KEYS = ("network", "size", "data_set", "cell", "outcome")
COLUMNS = (*KEYS, *(f"{fold}-{seed}" for fold in range(FOLDS) for seed in range(SEEDS)))
"""Of the differences to none that are kept: what of, and that of each fold and seed."""


@dataclass
class Arguments:
    """data_sets: how many of each size. jobs: processes at once. measured: the file of differences, which grows.

    table: the file to write.
    """

    data_sets: str = "100"
    jobs: str = "2"
    measured: str = str(MEASURED)
    table: str = str(TABLE)


def measure_data_set(size: int, number: int) -> list[str]:
    """All runs on one data set: a line of `COLUMNS` for each network, mitigation and outcome."""
    lines = []
    with TemporaryDirectory(prefix="overcast-") as scratch:
        data_seed = 2 * number + SIZES.index(size)
        for network, model in NETWORKS.items():
            figures = np.array(
                [
                    [
                        small_run(Path(scratch), size, data_seed, model, cell, fold, fold * SEEDS + seed)
                        for fold in range(FOLDS)
                        for seed in range(SEEDS)
                    ]
                    for cell in CELLS
                ]
            )  # (cells, folds × seeds, outcomes)
            for cell, of_cell in zip(CELLS[1:], figures[1:] - figures[0], strict=True):
                for outcome, differences in zip(OUTCOMES, of_cell.T, strict=True):
                    values = (f"{value:.6f}" for value in differences)
                    lines.append(",".join(map(str, (network, size, number, cell, outcome, *values))))
    return lines


def differences(measured: pd.DataFrame, network: str, size: int, outcome: str) -> list[object]:
    """Of each mitigation, the paired differences to none: (data sets, folds, seeds) of what is measured so far."""
    rows = measured[
        (measured["network"] == network) & (measured["size"] == size) & (measured["outcome"] == outcome)
    ].sort_values("data_set")
    return [
        rows.loc[rows["cell"] == cell, list(COLUMNS[len(KEYS) :])].to_numpy(float).reshape(-1, FOLDS, SEEDS)
        for cell in CELLS[1:]
    ]


def table(measured: pd.DataFrame) -> str:
    """The table of `overcast.statistics.fold_covariance`, as csv."""
    lines = ["network,outcome,rows,per_run,per_run_error,data_sets"]
    for network in NETWORKS:
        for outcome in OUTCOMES:
            for size in SIZES:
                found = estimate_fold_covariance(differences(measured, network, size, outcome))
                ratio = f"{found.per_run:.4f},{found.per_run_error:.4f}"
                lines.append(f"{network},{outcome},{size},{ratio},{found.data_sets}")
    return "\n".join(lines) + "\n"


def unmeasured(measured: Sequence[str], data_sets: int) -> list[tuple[int, int]]:
    """Size and number of each data set that is still to be measured, the sizes in turns."""
    done = {tuple(line.split(",")[1:3]) for line in measured}
    every = [(size, number) for number in range(data_sets) for size in SIZES]
    return [(size, number) for size, number in every if (str(size), str(number)) not in done]


@plain_script
def main(arguments: Arguments) -> None:
    from tqdm import tqdm

    path = Path(arguments.measured)
    lines = path.read_text(encoding="utf8").splitlines()[1:] if path.exists() else []
    left = unmeasured(lines, int(arguments.data_sets))
    with ProcessPoolExecutor(int(arguments.jobs), get_context("spawn")) as pool:
        waiting = [pool.submit(measure_data_set, size, number) for size, number in left]
        for each in tqdm(as_completed(waiting), total=len(waiting), unit="data set", disable=not waiting):
            lines += each.result()
            whole_file(path, "\n".join([",".join(COLUMNS), *sorted(lines)]) + "\n")
    whole_file(Path(arguments.table), table(pd.read_csv(path)))
    print(Path(arguments.table).read_text())


if __name__ == "__main__":
    main()
